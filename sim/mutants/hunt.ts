/**
 * Hunts one mutant in this process: `node sim/mutants/hunt.ts NAME SEEDS STARTS`. For each start it
 * runs seeds, the mutant's variants in turn, until one fails, and prints as JSON how many it took.
 * With 0 starts it hunts once and runs the kept seeds first: quick, but no measure of the draws.
 * A process hunts one mutant only, because a planted module stays.
 */
import { type KeptSeed, keptSeeds } from '../kept-seeds.ts'
import { mutants } from './all.ts'
import { plant } from './mutant.ts'

export interface Kill {
  /** Histories until it was caught; undefined if it survived. */
  readonly histories: number | undefined
  readonly variant?: string
  readonly seed?: number
  readonly invariant?: string
  readonly text?: string
}

const [name, seeds, starts] = process.argv.slice(2)
const mutant = mutants.find((each) => each.name === name)
if (mutant === undefined) throw new Error(`There is no mutant ${name}`)
const isPlanted = plant(mutant)
const { drawOf } = await import('../kinds.ts')
const { runHistory } = await import('../history.ts')
const { Rejections } = await import('../campaign.ts')

if (!isPlanted()) throw new Error(`Mutant ${name}: ${mutant.file} was loaded before it`)

const apart = 10_000
const rejections = new Rejections()

/** `most` histories: those of the kept seeds first, if they are asked for, then fresh ones. */
function* histories(first: number, most: number, isKeptFirst: boolean) {
  const { variants, kind = 'plain' } = mutant!
  const fits = (each: KeptSeed) => each.kind === kind && variants.includes(each.variant)
  const kept = isKeptFirst ? keptSeeds.filter(fits) : []
  yield* kept
  for (let index = 0; index < most - kept.length; index++) {
    yield { kind, variant: variants[index % variants.length]!, seed: first + index }
  }
}

async function hunt(first: number, most: number, isKeptFirst: boolean): Promise<Kill> {
  let count = 0
  for (const { kind, variant, seed } of histories(first, most, isKeptFirst)) {
    count++
    const { violations } = await runHistory(drawOf[kind](variant, seed))
    const [violation] = violations
    const [rejection] = rejections.take()
    if (violation === undefined && rejection === undefined) continue
    const invariant = violation?.invariant ?? 'unhandled rejection'
    const text = violation?.text ?? rejection ?? ''
    return { histories: count, variant, seed, invariant, text }
  }
  return { histories: undefined }
}

const kills: Kill[] = []
if (starts === '0') kills.push(await hunt(apart, Number(seeds), true))
for (let start = 1; start <= Number(starts); start++) {
  kills.push(await hunt(start * apart, Number(seeds), false))
}
process.stdout.write(`${JSON.stringify(kills)}\n`)
