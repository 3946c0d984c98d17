/**
 * A deployment of another variant while customers check out: process by process, so that for a
 * while both run side by side. Nothing may depend on all processes having the same PROTOCOL and
 * COORDINATION: each transaction carries its own, and both coordinators always run. In half of the
 * histories the times and limits change with it.
 *
 * The participants' records of the last transactions of a coordinator that is not asked any more
 * stay until it is asked again, so there is no tail (tail.ts).
 */
import { seededRandom } from '../lib/runtime/random.ts'
import {
  Dice,
  type Draw,
  drawHistory,
  processNames,
  settingsOf,
  type Variant,
  variants,
} from './draw.ts'

/** Between one process and the next: all at once, at the pace of checkouts, or slower. */
const paces = [0, 5, 40, 300] as const
/** A history may be over soon, if its clients are quick. */
const firstWithinMs = [10, 100, 1_000] as const

/** The history of this seed with a rollout in it, to a variant that the seed draws. */
export function drawRollout(variant: Variant, seed: number): Draw {
  const draw = drawHistory(variant, seed)
  const dice = new Dice(seededRandom(seed * 4_099 + 4 * variants.indexOf(variant) + 13))
  const to = dice.pick(...variants.filter((each) => each !== variant))
  const paceMs = dice.pick(...paces)
  const first = dice.between(0, Math.min(dice.pick(...firstWithinMs), draw.safetyMs) - 1)
  const moments = inAnyOrder(dice, processNames(draw.instances)).map((process, index) => ({
    process,
    at: first + index * paceMs,
  }))
  const others = dice.chance(0.5) ? drawHistory(to, seed + 1).config : draw.config
  const config = { ...others, ...settingsOf(to), partitions: draw.config.partitions }
  return { ...draw, hasTail: false, rollout: { to, config, moments } }
}

function inAnyOrder<T>(dice: Dice, all: readonly T[]): T[] {
  const left = [...all]
  return all.map(() => left.splice(dice.between(0, left.length - 1), 1)[0]!)
}
