/**
 * How many checkouts run at once in one instance: enough to fill every group commit; more would
 * take memory and longer rounds, and sell less. Others wait for their turn, in the order of their
 * coming; whoever has waited as long as a checkout may take is refused: those inside are stuck
 * then. One that takes far longer than usual waits for somebody who is away, and keeps no place
 * from those that need somebody else (I9). That not too many wait, of either kind, is for the
 * server to see to (`crowd` of the route).
 */
import { ChurnMap } from '../lib/runtime/churn-map.ts'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'

export interface AdmissionOptions {
  readonly clock: Pick<Clock, 'after'>
  readonly config: Pick<Config, 'maxRunningCheckouts' | 'checkoutDeadlineMs'>
}

/** Where everybody is there, no checkout runs for so long. */
export const placeMs = 1_000

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
  /** Under way without a place. */
  #stuck = 0

  constructor(options: AdmissionOptions) {
    this.#options = options
  }

  /** Under way or waiting for their turn. */
  get inFlight(): number {
    return this.#running + this.#stuck + this.#waiting.size
  }

  /** What `work` answers; undefined, and it is not begun, where its turn did not come in time. */
  async run<T>(work: () => Promise<T>): Promise<T | undefined> {
    const { config, clock } = this.#options
    if (this.#running < config.maxRunningCheckouts) this.#running++
    else if (!(await this.#turn())) return undefined
    let hasPlace = true
    const place = clock.after(placeMs, () => {
      hasPlace = false
      this.#stuck++
      this.#leave()
    })
    try {
      return await work()
    } finally {
      place.cancel()
      if (hasPlace) this.#leave()
      else this.#stuck--
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
