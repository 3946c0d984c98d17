/**
 * When requests of an open loop are to be sent, planned before anything is: who is slow to answer
 * does not make the load wait for it (wrk2's cure of "coordinated omission", Tene 2013).
 */
import type { Random } from '../lib/runtime/random.ts'

export const arrivalKinds = ['constant', 'poisson'] as const
export type ArrivalKind = (typeof arrivalKinds)[number]

/**
 * Send times in ms from the start, for ever, ascending: evenly spaced, or with exponentially
 * distributed pauses, as independent customers come (a Poisson process).
 */
export function* planArrivals(
  kind: ArrivalKind,
  perSecond: number,
  random: Random,
): Generator<number, never> {
  const pauseMs = 1_000 / perSecond
  if (kind === 'constant') for (let index = 0; ; index++) yield index * pauseMs
  for (let at = 0; ; ) {
    // 1 - next() is never 0, whose logarithm is not a number.
    at -= pauseMs * Math.log(1 - random.next())
    yield at
  }
}
