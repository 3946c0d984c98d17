/** What became of checkouts, as their clients saw it; metrics read it. */

import type { Config } from '../lib/runtime/config.ts'
import { variantOf } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { Histogram, type Metric, secondsBounds, single } from '../lib/runtime/metric.ts'
import type { ShopAnswer } from '../lib/runtime/route.ts'
import type { Reason } from '../protocol/messages.ts'

export class CheckoutCounters {
  readonly #answers = new Map<string, number>()
  readonly #retries = new Map<Reason, number>()
  readonly #seconds = new Histogram(secondsBounds)
  readonly #variant: string

  constructor(config: Pick<Config, 'protocol' | 'coordination'>) {
    this.#variant = variantOf(config)
  }

  answered(answer: ShopAnswer, ms: number): void {
    this.#count(answer.kind === 'problem' ? answer.code : 'paid', ms)
  }

  /** Refused because of the crowd, before anything was done. */
  turnedAway(count: number): void {
    this.#answers.set('overloaded', (this.#answers.get('overloaded') ?? 0) + count)
  }

  failed(error: unknown, ms: number): void {
    this.#count(error instanceof ShopError ? error.code : 'internal', ms)
  }

  /** Another transaction was in the way; the checkout is tried again. */
  retried(reason: Reason): void {
    this.#retries.set(reason, (this.#retries.get(reason) ?? 0) + 1)
  }

  metrics(inFlight: () => number): readonly Metric[] {
    const variant = this.#variant
    return [
      {
        kind: 'counter',
        name: 'till_checkouts_total',
        help: 'Checkouts that were answered, by variant and outcome: paid, or a problem code',
        read: () =>
          [...this.#answers].map(([outcome, value]) => ({ labels: { variant, outcome }, value })),
      },
      {
        kind: 'histogram',
        name: 'till_checkout_seconds',
        help: 'How long checkouts took, from the request to its answer',
        read: () => [{ labels: { variant }, histogram: this.#seconds }],
      },
      {
        kind: 'counter',
        name: 'till_checkout_retries_total',
        help: 'Times that a checkout was tried again as a new transaction, by reason',
        read: () =>
          [...this.#retries].map(([reason, value]) => ({ labels: { variant, reason }, value })),
      },
      single('gauge', 'till_checkouts_in_flight', 'Checkouts that are under way', inFlight),
    ]
  }

  #count(outcome: string, ms: number): void {
    this.#answers.set(outcome, (this.#answers.get(outcome) ?? 0) + 1)
    this.#seconds.observe(ms / 1_000)
  }
}
