/**
 * A mutant: a known bug of other systems, or one that the simulator once found here, put back into
 * the shop by changing a line or two of a module's source as it is loaded. No product file knows of
 * it. A text that is not found any more is an error: the mutant must follow the code.
 */
import { registerHooks } from 'node:module'
import type { Variant } from '../draw.ts'
import type { Kind } from '../kinds.ts'

export interface Mutant {
  readonly name: string
  /** What it does wrong, for people. */
  readonly models: string
  /** From the root of the project. */
  readonly file: string
  readonly find: string
  readonly replace: string
  readonly variants: readonly Variant[]
  /** In which kind of history it shows; plain if absent. */
  readonly kind?: Kind
}

const root = new URL('../../', import.meta.url).href

/**
 * Must be called before the shop's modules are loaded in this process; whether it was can be asked
 * when they are.
 */
export function plant({ name, file, find, replace }: Mutant): () => boolean {
  let isPlanted = false
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context)
      if (url !== root + file) return loaded
      const source = String(loaded.source)
      if (source.split(find).length !== 2) {
        throw new Error(`Mutant ${name}: ${file} does not hold its text exactly once`)
      }
      isPlanted = true
      return { ...loaded, source: source.replace(find, () => replace) }
    },
  })
  return () => isPlanted
}
