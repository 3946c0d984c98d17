/**
 * Zipf's law: what is sold most is sold k^s times as often as number k. It is how sales of a shop
 * are usually modelled (YCSB draws so too, with s = 0.99).
 */
import type { Random } from '../lib/runtime/random.ts'

/** YCSB's exponent. */
export const usualExponent = 0.99

/**
 * Draws ranks from 0 (the most frequent) to `count - 1`, exactly, from a table of 8 bytes a rank.
 */
export function zipfDraw(count: number, exponent: number, random: Random): () => number {
  const cumulative = new Float64Array(count)
  let sum = 0
  for (let rank = 0; rank < count; rank++) {
    sum += 1 / (rank + 1) ** exponent
    cumulative[rank] = sum
  }
  return () => firstAbove(cumulative, random.next() * sum)
}

/** The first index whose value is greater; the last where rounding has left none. */
function firstAbove(ascending: Float64Array, value: number): number {
  let low = 0
  let high = ascending.length - 1
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ascending[middle]! > value) high = middle
    else low = middle + 1
  }
  return low
}
