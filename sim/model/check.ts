/**
 * The formal model, checked: `node sim/model/check.ts` proves both protocols up to the scopes of
 * their .als files, and shows for each known bug, put into the model, the counter-example in words.
 * `--deep` walks three steps further, for many minutes. What it covers: README.md.
 */
import { parseArgs } from 'node:util'
import { ask, missing } from './alloy.ts'
import { type Flaw, flaws } from './flaws.ts'
import { timelineOf } from './timeline.ts'

export const models = ['two-phase-commit', 'saga'] as const
export type Model = (typeof models)[number]

/** States of a history, at most: as deep as is searched in some 20 s of one core for each. */
const states: Readonly<Record<Model, number>> = { 'two-phase-commit': 9, saga: 8 }
const deeper = 3
const scope = (steps: string) =>
  `for 3 but exactly 1 Tx, exactly 2 Owner, 2 Epoch, 1 Int, ${steps} steps`

export interface Ability {
  readonly model: Model
  /** A predicate of the model. */
  readonly name: string
  readonly states: number
}

export interface Proof {
  readonly states: number
  readonly ms: number
  /** Lines of the counter-example; empty where there is none. */
  readonly counterExample: readonly string[]
}

/** Looks for a history in which any invariant of the model fails. */
export async function prove(model: Model, isDeep: boolean): Promise<Proof> {
  const most = states[model] + (isDeep ? deeper : 0)
  // Everyone may rest, so histories of exactly this length contain all shorter ones.
  const commands = `check proof { safe } ${scope(`${most}..${most}`)}`
  const { trace, ms } = await ask({ model, command: 'proof', commands })
  return { states: most, ms, counterExample: trace === undefined ? [] : timelineOf(trace) }
}

/** Shows that the model can do this at all: the lines of a history that does. */
export async function witness({ model, name, states }: Ability): Promise<readonly string[]> {
  const commands = `run witness { ${name} } ${scope(`${states}..${states}`)}`
  const { trace } = await ask({ model, command: 'witness', commands })
  return trace === undefined ? [] : timelineOf(trace)
}

/** The counter-example that a flaw gives, in words; empty where it gives none. */
export async function expose(flaw: Flaw): Promise<readonly string[]> {
  const { model, breaks, states } = flaw
  const commands = `check flawed { ${breaks} } ${scope(`${states}..${states}`)}`
  const { trace } = await ask({ model, command: 'flawed', changes: [flaw], commands })
  return trace === undefined ? [] : timelineOf(trace)
}

/** What each model must be able to do, or it would be safe by doing nothing. */
export const abilities: readonly Ability[] = [
  { model: 'two-phase-commit', name: 'commitsThroughCrash', states: 12 },
  { model: 'two-phase-commit', name: 'abortsWhatWasHeld', states: 8 },
  { model: 'saga', name: 'commitsThroughCrash', states: 11 },
  { model: 'saga', name: 'compensatesWhatWasTaken', states: 10 },
]

const say = (text: string) => process.stdout.write(`${text}\n`)

async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { deep: { type: 'boolean', default: false } } })
  const lack = missing()
  if (lack !== undefined) {
    say(`NOT CHECKED: ${lack}`)
    return false
  }
  let isGood = true
  for (const model of models) {
    const { states, ms, counterExample } = await prove(model, values.deep)
    isGood &&= counterExample.length === 0
    const verdict = counterExample.length === 0 ? 'holds' : 'IS BROKEN'
    say(`${model}: every invariant ${verdict} in all histories of ${states} states (${ms} ms)`)
    for (const line of counterExample) say(`  ${line}`)
  }
  for (const ability of abilities) {
    const lines = await witness(ability)
    isGood &&= lines.length > 0
    say(`\n${ability.model}: ${ability.name}${lines.length === 0 ? ': IT CANNOT' : ''}`)
    for (const line of lines) say(`  ${line}`)
  }
  for (const flaw of flaws) {
    const lines = await expose(flaw)
    isGood &&= lines.length > 0
    say(`\n${flaw.model} with the flaw "${flaw.name}": ${flaw.models}`)
    say(lines.length === 0 ? '  IS NOT NOTICED' : `  breaks ${flaw.breaks}:`)
    for (const line of lines) say(`  ${line}`)
  }
  return isGood
}

if (import.meta.main) process.exitCode = (await main()) ? 0 : 1
