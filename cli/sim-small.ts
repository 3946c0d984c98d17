/**
 * The parts of `./till sim` that leave nothing to chance: the matrix of protocol points and faults
 * (sim/matrix/), and small shops walked through completely (sim/exhaustive/).
 */
import { systemClock } from '../lib/runtime/clock.ts'
import type { Variant } from '../sim/draw.ts'
import { scopes } from '../sim/exhaustive/scopes.ts'
import { type Walk, Walker } from '../sim/exhaustive/walk.ts'
import { type Cell, cells, cellsNamed } from '../sim/matrix/cells.ts'
import { runInThreads } from '../sim/matrix/in-threads.ts'
import { writePage } from '../sim/matrix/page.ts'
import { type CellResult, runCellSeed } from '../sim/matrix/run.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { duration, say, sayJson, table } from './print.ts'
import { openProgress } from './progress.ts'

export interface MatrixFlags {
  readonly cell?: string
  readonly seed?: number
  readonly seeds: number
  readonly first: number
  readonly write?: true
  readonly workers: number
  readonly json?: true
}

/** False where a cell broke or could not be hit. */
export async function runMatrix(chosen: readonly Variant[], flags: MatrixFlags): Promise<boolean> {
  const own = cellsOf(flags.cell).filter(({ variant }) => chosen.includes(variant))
  if (flags.write && own.length < cells.length) {
    throw new CommandFailure('--write needs every cell: leave out --cell and --variant.')
  }
  if (flags.seed !== undefined) return await tellCells(own, flags.seed)
  const results: CellResult[] = []
  const progress = openProgress(own.length)
  for (const variant of chosen) {
    const part = own.filter((cell) => cell.variant === variant)
    progress.begin(variant)
    const asked = { wanted: flags.seeds, firstSeed: flags.first }
    results.push(...(await runInThreads(part, asked, flags.workers, () => progress.advance(1))))
    progress.done(variant, part.length)
  }
  progress.end()
  if (flags.write) writePage(results, flags.seeds)
  if (flags.json) sayJson(results.map(forMachines))
  else tellResults(chosen, results)
  return results.every(({ verdict }) => verdict === 'held' || verdict === 'impossible')
}

function cellsOf(name: string | undefined): readonly Cell[] {
  if (name === undefined) return cells
  const found = cellsNamed(name)
  if (found.length > 0) return found
  throw new CommandFailure(
    `There is no cell ${name}; one is called ${cells[0]!.id}, and its shop may be left out.`,
    exitCodes.usage,
  )
}

const forMachines = ({ cell, ...result }: CellResult) => ({
  ...{ cell: cell.id, impossible: cell.impossible },
  ...result,
})

function tellResults(chosen: readonly Variant[], results: readonly CellResult[]): void {
  const rows = chosen.map((variant) => {
    const own = results.filter(({ cell }) => cell.variant === variant)
    const count = (verdict: string) => String(own.filter((each) => each.verdict === verdict).length)
    const histories = own.reduce((sum, each) => sum + each.histories, 0)
    const verdicts = ['held', 'broken', 'never hit', 'impossible'].map(count)
    return [variant, String(own.length), ...verdicts, String(histories)]
  })
  const head = ['variant', 'cells', 'held', 'broken', 'never hit', 'impossible', 'histories']
  say(table(head, rows))
  for (const { cell, verdict, broken } of results) {
    if (verdict === 'broken') say(`${cell.id} broke: ${broken[0]}`)
    if (verdict === 'never hit') say(`${cell.id} was never hit`)
  }
}

/** One seed of each cell, with every line of what happened. */
async function tellCells(own: readonly Cell[], seed: number): Promise<boolean> {
  let isGood = true
  for (const cell of own) {
    if (cell.impossible !== undefined) {
      say(`${cell.id} is impossible: ${cell.impossible}`)
      continue
    }
    const { history, isHit } = await runCellSeed(cell, seed, true)
    const { violations, timeline } = history
    say(timeline.lines.join('\n'))
    for (const { invariant, text } of violations) say(`${invariant}: ${text}`)
    const held = violations.length === 0 ? 'held' : 'BROKEN'
    say(`${cell.id} seed ${seed}: ${isHit ? 'hit' : 'NOT HIT'}, ${held}, ${timeline.digest()}`)
    if (violations.length > 0) isGood = false
  }
  return isGood
}

/** False where a state breaks an invariant or has no way to an end. */
export function walkScopes(chosen: readonly Variant[], isJson: boolean): boolean {
  const walks: (Walk & { readonly ms: number })[] = []
  for (const scope of scopes) {
    for (const variant of chosen.filter((each) => scope.variants.includes(each))) {
      const startedAt = systemClock.now()
      const walk = new Walker(scope, variant).run()
      walks.push({ ...walk, ms: Math.round(systemClock.now() - startedAt) })
    }
  }
  if (isJson) sayJson(walks)
  else tellWalks(walks)
  return walks.every(({ broken }) => broken === undefined)
}

function tellWalks(walks: readonly (Walk & { readonly ms: number })[]): void {
  const rows = walks.map(({ scope, variant, states, transitions, ends, broken, ms }) => [
    ...[scope, variant, String(states), String(transitions), String(ends)],
    ...[broken === undefined ? 'held' : 'BROKEN', duration(ms)],
  ])
  say(table(['scope', 'variant', 'states', 'transitions', 'ends', 'verdict', 'took'], rows))
  for (const { scope, variant, broken } of walks) {
    if (broken === undefined) continue
    say(`\n${scope}, ${variant}: ${broken.text}\n${broken.way.join('\n')}`)
  }
}
