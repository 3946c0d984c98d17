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
    const isPlain = words[0]!.includes('/')
    const [kind, variant, seed, ...what] = isPlain ? ['plain', ...words] : words
    return {
      kind: kind as Kind,
      variant: variant as Variant,
      seed: Number(seed),
      what: what.join(' '),
    }
  })
