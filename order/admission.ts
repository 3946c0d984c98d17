/**
 * How many checkouts one instance takes on: so many run at once, more wait for their turn in the
 * order of their coming, and the rest is refused before anything is done for it. What runs at once
 * is enough to fill every group commit; more would take memory and longer rounds, and sell less.
 */
import type { Config } from '../lib/runtime/config.ts'

type Limits = Pick<Config, 'maxInFlightCheckouts' | 'maxRunningCheckouts'>

export class Admission {
  readonly #limits: Limits
  readonly #waiting: Array<() => void> = []
  #running = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Running or waiting. */
  get inFlight(): number {
    return this.#running + this.#waiting.length
  }

  /** What `work` answers; undefined, and `work` is not begun, where there are too many already. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    if (this.inFlight >= this.#limits.maxInFlightCheckouts) return undefined
    if (this.#running < this.#limits.maxRunningCheckouts) this.#running++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      // Whoever waits longest takes the place over.
      if (next === undefined) this.#running--
      else next()
    }
  }
}
