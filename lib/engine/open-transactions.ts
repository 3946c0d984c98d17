/**
 * The transactions of one coordinator partition that have not ended, and what only memory knows of
 * them: who waits for the outcome, when to send again. The oldest of them is the low-water mark.
 * Nothing here is durable; after a crash it is made anew from the decision log.
 */
import type { Checkout, Outcome } from '../../protocol/messages.ts'
import { type Event, outcomeOf, type State } from '../../protocol/protocol.ts'
import { parseTransactionId, positionOf } from '../../protocol/transaction-id.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Fields } from '../runtime/log.ts'

export interface Waiter {
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

export interface Open {
  state: State
  /** Its place among the ids of this coordinator partition. */
  readonly position: string
  readonly startedAt: number
  /** When it entered the phase it is in. */
  phaseSince: number
  /** By the id of the request, so that a repeated one waits once. */
  readonly waiters: Map<string | symbol, Waiter>
  /** Events that wait while a step is being written. */
  readonly events: Event[]
  isBusy: boolean
  resendAt: number
  resendPauseMs: number
  decidedAt: number | undefined
}

export class OpenTransactions {
  /** In the order of their ids. */
  readonly #byId = new ChurnMap<string, Open>()
  readonly #byOrder = new ChurnMap<string, Open>()
  #mark: string

  /** `mark`: the position of the first id that will be given. */
  constructor(mark: string) {
    this.#mark = mark
  }

  /** The low-water mark: everything below has ended, durably. */
  get mark(): string {
    return this.#mark
  }

  get(transaction: string): Open | undefined {
    return this.#byId.get(transaction)
  }

  values(): Iterable<Open> {
    return this.#byId.values()
  }

  /** Ids must be entered in their order. */
  enter(state: State, now: number, resendFirstMs: number): Open {
    const { epoch, sequence } = parseTransactionId(state.transaction)!
    const open: Open = {
      state,
      position: positionOf(epoch, sequence),
      startedAt: now,
      phaseSince: now,
      waiters: new Map(),
      events: [],
      isBusy: false,
      resendAt: now + resendFirstMs,
      resendPauseMs: resendFirstMs,
      decidedAt: state.decided === undefined ? undefined : now,
    }
    this.#byId.set(state.transaction, open)
    this.#byOrder.set(state.orderId, open)
    return open
  }

  /** The open transaction whose outcome answers this checkout too. */
  joined(checkout: Checkout): Open | undefined {
    if (checkout.paidBy !== undefined) return this.#byId.get(checkout.paidBy)
    const open = this.#byOrder.get(checkout.orderId)
    // Made from another version of the order, it would answer for lines that were not asked for.
    if (open === undefined || versionIn(open.state) !== versionIn(checkout)) return undefined
    return open
  }

  /** Tells everyone who waits, once the outcome can no longer change. */
  answer(open: Open): void {
    const outcome = outcomeOf(open.state)
    if (outcome === undefined) return
    // From here a new checkout of the order is a new transaction.
    if (this.#byOrder.get(open.state.orderId) === open) this.#byOrder.delete(open.state.orderId)
    for (const waiter of open.waiters.values()) waiter.resolve(outcome)
    open.waiters.clear()
  }

  /** It has ended, durably; `next` is the position of the id that will be given next. */
  forget(open: Open, next: string): void {
    this.#byId.delete(open.state.transaction)
    if (this.#byOrder.get(open.state.orderId) === open) this.#byOrder.delete(open.state.orderId)
    if (open.position === this.#mark) this.raiseMark(next)
  }

  raiseMark(next: string): void {
    this.#mark = this.#byId.first()?.position ?? next
  }

  /** Nothing is driven on from here; the log has all of them. */
  abandon(error: unknown): void {
    for (const { waiters } of this.#byId.values()) {
      for (const waiter of waiters.values()) waiter.reject(error)
      waiters.clear()
    }
    this.#byId.clear()
    this.#byOrder.clear()
  }
}

/** What a log line says of a transaction. */
export const summaryOf = ({ transaction, protocol, orderId, decided, reason }: State): Fields => ({
  ...{ transaction, protocol, order: orderId, decided },
  ...(reason === undefined ? {} : { reason }),
})

/** The version of the order that a checkout was made from. */
const versionIn = ({ branches }: Pick<Checkout, 'branches'>): number | undefined =>
  branches.find(({ service }) => service === 'order')?.entries[0]?.amount
