/**
 * Latencies in an HDR histogram (Tene): microseconds, three significant digits, up to ten minutes.
 */
import { build, type Histogram } from 'hdr-histogram-js'

const highestMicros = 600_000_000

/** In ms. */
export interface LatencySummary {
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly p99_9: number
  readonly max: number
}

export class Latency {
  readonly #histogram: Histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: highestMicros,
    numberOfSignificantValueDigits: 3,
    useWebAssembly: false,
  })

  /** Exact: the histogram rounds. */
  #max = 0

  record(ms: number): void {
    if (ms > this.#max) this.#max = ms
    const micros = Math.round(ms * 1_000)
    this.#histogram.recordValue(Math.min(Math.max(micros, 1), highestMicros))
  }

  /** All zero where nothing was recorded. */
  summary(): LatencySummary {
    const at = (percentile: number) =>
      Math.min(this.#histogram.getValueAtPercentile(percentile) / 1_000, this.#max)
    return { p50: at(50), p90: at(90), p99: at(99), p99_9: at(99.9), max: this.#max }
  }
}
