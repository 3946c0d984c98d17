/**
 * How many checkouts one instance takes on: so many run at once, more wait for their turn in the
 * order of their coming, and the rest is refused before anything is done for it. What runs at once
 * is enough to fill every group commit; more would take memory and longer rounds, and sell less.
 * Whoever has waited as long as a checkout may take is refused too: then those inside are stuck.
 */
import { ChurnMap } from '../lib/runtime/churn-map.ts'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'

export interface AdmissionOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly config: Pick<
    Config,
    'maxInFlightCheckouts' | 'maxRunningCheckouts' | 'checkoutDeadlineMs'
  >
}

interface Waiting {
  readonly ticket: number
  begin(): void
}

export class Admission {
  readonly #options: AdmissionOptions
  /** By ticket, oldest first. */
  readonly #waiting = new ChurnMap<number, Waiting>()
  #tickets = 0
  #running = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Running or waiting. */
  get inFlight(): number {
    return this.#running + this.#waiting.size
  }

  /** What `work` answers; undefined, and `work` is not begun, where there are too many already. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { maxInFlightCheckouts, maxRunningCheckouts } = this.#options.config
    if (this.inFlight >= maxInFlightCheckouts) return undefined
    if (this.#running < maxRunningCheckouts) this.#running++
    else if (!(await this.#turn())) return undefined
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** False: it did not come in time. */
  #turn(): Promise<boolean> {
    const { clock, config } = this.#options
    const ticket = ++this.#tickets
    return new Promise((resolve) => {
      const patience = clock.after(config.checkoutDeadlineMs, () => {
        this.#waiting.delete(ticket)
        resolve(false)
      })
      const begin = () => {
        patience.cancel()
        resolve(true)
      }
      this.#waiting.set(ticket, { ticket, begin })
    })
  }

  /** Whoever waits longest takes the place over. */
  #leave(): void {
    const next = this.#waiting.first()
    if (next === undefined) {
      this.#running--
      return
    }
    this.#waiting.delete(next.ticket)
    next.begin()
  }
}
