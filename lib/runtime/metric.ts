/**
 * What is counted, as data: services and engines export tables of these next to their routes, and
 * metrics.ts serves them. A metric is read when somebody asks, from counters that are kept anyway,
 * so that a checkout pays for none of it. Labels have bounded values only: never an id.
 */

export type Labels = Readonly<Record<string, string>>

export interface Sample {
  readonly labels: Labels
  readonly value: number
}

interface Described {
  /** `till_…`, with its unit: `_seconds`, `_total` of what only grows. */
  readonly name: string
  readonly help: string
}

export interface NumberMetric extends Described {
  readonly kind: 'counter' | 'gauge'
  read(): readonly Sample[]
}

export interface HistogramMetric extends Described {
  readonly kind: 'histogram'
  read(): readonly { readonly labels: Labels; readonly histogram: Histogram }[]
}

export type Metric = NumberMetric | HistogramMetric

/** A metric without labels of its own. */
export const single = (
  kind: NumberMetric['kind'],
  name: string,
  help: string,
  value: () => number,
): NumberMetric => ({ kind, name, help, read: () => [{ labels: {}, value: value() }] })

/** The same metrics with one more label on every sample. */
export function labelled(metrics: readonly Metric[], extra: Labels): readonly Metric[] {
  return metrics.map((metric) => ({
    ...metric,
    read: () => metric.read().map((each) => ({ ...each, labels: { ...extra, ...each.labels } })),
  })) as readonly Metric[]
}

/** Upper bounds, ascending, of what is measured in seconds: from half a millisecond to a minute. */
export const secondsBounds: readonly number[] = [
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60,
]

/** Upper bounds of what is a number of things. */
export const sizeBounds: readonly number[] = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_024]

/** Counts per bucket, made at once: an observation is a short search and three additions. */
export class Histogram {
  readonly bounds: readonly number[]
  /** One per bound, and one for what lies above the last. Not cumulated. */
  readonly counts: Float64Array
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    counts[bucket]!++
    this.sum += value
  }
}
