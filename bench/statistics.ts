/** What several runs say together: medians, and how sure a ratio of two is. */
import type { Random } from '../lib/runtime/random.ts'

/** Of an even number of values, the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const ascending = values.toSorted((a, b) => a - b)
  const middle = ascending.length >> 1
  if (ascending.length % 2 === 1) return ascending[middle]!
  return (ascending[middle - 1]! + ascending[middle]!) / 2
}

export interface Interval {
  readonly low: number
  readonly high: number
}

const resamples = 2_000
/** Fewer values say nothing of how much they vary. */
const fewest = 5

/**
 * Where the median lies with 95 % confidence (Efron's percentile bootstrap); undefined for fewer
 * than five values. For ratios give those of pairs of runs that were made one after the other.
 */
export function medianInterval(values: readonly number[], random: Random): Interval | undefined {
  if (values.length < fewest) return undefined
  const medians = Array.from({ length: resamples }, () =>
    median(values.map(() => values[random.integer(values.length)]!)),
  ).sort((a, b) => a - b)
  return { low: medians[resamples * 0.025]!, high: medians[resamples * 0.975 - 1]! }
}
