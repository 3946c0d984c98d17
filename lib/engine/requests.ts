/**
 * Checkout requests that came over the bus, and which questions are this partition's to answer.
 * Whoever asks asks again until it is answered, so copies come late: one that was answered gets the
 * same answer and begins nothing. The newest answers are kept in memory only; without them a late
 * copy is refused by the order's version, at more cost.
 */
import type { Checkout, CheckoutRequest, Home, Inquiry, Outcome } from '../../protocol/messages.ts'
import { isSoundBranch, isSoundCheckout } from '../../protocol/soundness.ts'
import { type ParsedId, parseTransactionId } from '../../protocol/transaction-id.ts'
import type { Bus } from '../bus/bus.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Storage } from '../storage/storage.ts'
import type { Waiter } from './open-transactions.ts'

export interface RequestsOptions {
  readonly home: Home
  readonly bus: Bus
  readonly storage: Pick<Storage, 'partitions'>
}

/** Answers kept for late copies. */
const mostTold = 1_000

export class Requests {
  readonly #options: RequestsOptions
  readonly #partition: number
  readonly #told = new ChurnMap<string, Outcome>()

  constructor(options: RequestsOptions, partition: number) {
    this.#options = options
    this.#partition = partition
  }

  /** Answers, or lets `attend` see to it that the outcome comes. */
  hear(
    { id, checkout, replyTo }: CheckoutRequest,
    attend: (id: string, checkout: Checkout, waiter: Waiter) => void,
  ): void {
    const send = (outcome: Outcome) =>
      this.#options.bus.send(replyTo.topic, replyTo.partition, { kind: 'outcome', id, outcome })
    if (!this.#isSound(checkout)) return
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
  /** What an inquiry is about, if that was begun here. */
  askedHere({ transaction, branch }: Inquiry): ParsedId | undefined {
    const id = parseTransactionId(transaction)
    const { home, storage } = this.#options
    const of = (each: string) => partitionOf(each, storage.partitions)
    if (id?.home !== home || id.partition !== this.#partition) return undefined
    return isSoundBranch(branch, of) ? id : undefined
  }

  /** Every order has its coordinator partition; others' requests are not run here. */
  #isSound(checkout: Checkout): boolean {
    const of = (id: string) => partitionOf(id, this.#options.storage.partitions)
    return isSoundCheckout(checkout, of) && of(checkout.orderId) === this.#partition
  }
}
