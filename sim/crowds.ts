/**
 * Databases that have too much to do: each now and then turns a step or a read away, which was not
 * begun then. What becomes of the request around it is another question: only where nothing of it
 * was done, and nothing will be, may the client be told `overloaded`.
 */
import { seededRandom } from '../lib/runtime/random.ts'
import { Dice, type Draw, drawHistory, type Variant, variants } from './draw.ts'

const chances = [0.02, 0.1, 0.3] as const

/** The history of this seed on such databases. */
export function drawCrowds(variant: Variant, seed: number): Draw {
  const draw = drawHistory(variant, seed)
  const dice = new Dice(seededRandom(seed * 4_099 + 4 * variants.indexOf(variant) + 17))
  const crowds = dice.pick(...chances)
  return { ...draw, storage: { ...draw.storage, crowds } }
}
