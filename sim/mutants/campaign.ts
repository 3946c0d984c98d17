/**
 * The test of the tests: each mutant is hunted in a process of its own. One that survives its seeds
 * is a hole in the checkers, or in what the draws reach.
 */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { mutants } from './all.ts'
import type { Kill } from './hunt.ts'
import type { Mutant } from './mutant.ts'

export interface Hunt {
  readonly mutant: Mutant
  readonly kills: readonly Kill[]
  /** Histories until it was caught; undefined if it survived more hunts than not. */
  readonly medianHistories: number | undefined
}

const run = promisify(execFile)

export interface HuntAllOptions {
  /** Histories of one hunt, at most. */
  readonly seeds: number
  /** How often each mutant is hunted. */
  readonly starts: number
  /** Hunts at once. */
  readonly workers: number
  onHunt(hunt: Hunt): void
}

/** In the order of the mutants; `onHunt` hears of them as they end. */
export async function huntAll(options: HuntAllOptions): Promise<readonly Hunt[]> {
  const { seeds, starts, workers, onHunt } = options
  const hunts: Hunt[] = []
  const open = [...mutants.entries()]
  const share = async () => {
    for (let next = open.shift(); next !== undefined; next = open.shift()) {
      const [index, mutant] = next
      const found = await hunt(mutant, seeds, starts)
      hunts[index] = found
      onHunt(found)
    }
  }
  await Promise.all(Array.from({ length: workers }, share))
  return hunts
}

/**
 * `starts` hunts of one mutant, of at most `seeds` histories each; 0 starts are one hunt that runs
 * the kept seeds first.
 */
export async function hunt(mutant: Mutant, seeds: number, starts: number): Promise<Hunt> {
  const file = fileURLToPath(new URL('hunt.ts', import.meta.url))
  const words = [file, mutant.name, String(seeds), String(starts)]
  // A hunt that ends without a word has met a mutant that does not fit the code any more.
  const { stdout } = await run(process.execPath, words).catch(() => ({ stdout: '[]' }))
  const kills = JSON.parse(stdout) as Kill[]
  return { mutant, kills, medianHistories: medianOf(kills) }
}

function medianOf(kills: readonly Kill[]): number | undefined {
  const counts = kills.map(({ histories }) => histories ?? Infinity).sort((a, b) => a - b)
  const median = counts[Math.floor((counts.length - 1) / 2)]
  return median === Infinity ? undefined : median
}
