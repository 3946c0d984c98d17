/** The seeds of seeds.txt: histories on which a bug once showed, or a rare mutant does. */
import { readFileSync } from 'node:fs'
import type { Variant } from './draw.ts'
import type { Kind } from './kinds.ts'

export interface KeptSeed {
  readonly kind: Kind
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
    const words = line.split(' ')
    const kind = words[0] === 'rollout' ? 'rollout' : 'plain'
    const [variant, seed, ...what] = kind === 'rollout' ? words.slice(1) : words
    return { kind, variant: variant as Variant, seed: Number(seed), what: what.join(' ') }
  })
