/**
 * Checkout requests that came over the bus. Whoever asks asks again until it is answered, so copies
 * come late: one that was answered gets the same answer and begins nothing. The newest answers are
 * kept in memory only; without them a late copy is refused by the order's version, at more cost.
 */
import type { Checkout, CheckoutRequest, Outcome } from '../../protocol/messages.ts'
import type { Bus } from '../bus/bus.ts'
import type { Waiter } from './open-transactions.ts'

/** Answers kept for late copies. */
const mostTold = 1_000

export class Requests {
  readonly #bus: Bus
  readonly #told = new Map<string, Outcome>()

  constructor(bus: Bus) {
    this.#bus = bus
  }

  /** Answers, or lets `attend` see to it that the outcome comes. */
  hear(
    { id, checkout, replyTo }: CheckoutRequest,
    attend: (id: string, checkout: Checkout, waiter: Waiter) => void,
  ): void {
    const send = (outcome: Outcome) =>
      this.#bus.send(replyTo.topic, replyTo.partition, { kind: 'outcome', id, outcome })
    const told = this.#told.get(id)
    if (told !== undefined) {
      send(told)
      return
    }
    attend(id, checkout, {
      resolve: (outcome) => {
        this.#told.set(id, outcome)
        if (this.#told.size > mostTold) this.#told.delete(this.#told.keys().next().value!)
        send(outcome)
      },
      // Asked again by who needs it.
      reject: () => {},
    })
  }
}
