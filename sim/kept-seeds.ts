/** The seeds of seeds.txt: histories on which a bug once showed, or a rare mutant does. */
import { readFileSync } from 'node:fs'
import type { Variant } from './draw.ts'

export interface KeptSeed {
  readonly variant: Variant
  readonly seed: number
  readonly what: string
}

export const keptSeeds: readonly KeptSeed[] = readFileSync(
  new URL('seeds.txt', import.meta.url),
  'utf8',
)
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [variant, seed, ...what] = line.split(' ')
    return { variant: variant as Variant, seed: Number(seed), what: what.join(' ') }
  })
