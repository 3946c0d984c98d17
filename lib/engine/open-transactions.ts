/**
 * The transactions of one coordinator partition that have not ended, and what only memory knows of
 * them: who waits for the outcome, when to send again. The oldest of them is the low-water mark.
 * Nothing here is durable; after a crash it is made anew from the decision log.
 */
import { protocols } from '../../protocol/index.ts'
import type { Checkout, Outcome } from '../../protocol/messages.ts'
import { type Event, type Order, outcomeOf, type State } from '../../protocol/protocol.ts'
import { parseTransactionId, positionOf } from '../../protocol/transaction-id.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Fields } from '../runtime/log.ts'
import type { Sent } from './loss-detector.ts'

export interface Waiter {
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

export interface Open extends Sent {
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
  decidedAt: number | undefined
}

/** What time has brought about. */
export interface Review {
  /** Undecided for too long. */
  readonly expired: readonly Open[]
  /** Their pause is over: what of them is lost is sent again. */
  readonly due: readonly Open[]
}

export class OpenTransactions {
  /** In the order of their ids. */
  readonly #byId = new ChurnMap<string, Open>()
  readonly #byOrder = new ChurnMap<string, Open>()
  #mark: string
  #unapplied = 0

  /** `mark`: the position of the first id that will be given. */
  constructor(mark: string) {
    this.#mark = mark
  }

  /** The low-water mark: everything below has ended, durably. */
  get mark(): string {
    return this.#mark
  }

  /**
   * As of the last review: those that nobody waits for any more, since a participant has not
   * applied the decision in time. Only these can pile up; others are as many as requests wait.
   */
  get unapplied(): number {
    return this.#unapplied
  }

  get(transaction: string): Open | undefined {
    return this.#byId.get(transaction)
  }

  values(): Iterable<Open> {
    return this.#byId.values()
  }

  /** Oldest first, for people. */
  list(now: number): readonly { state: State; ageMs: number }[] {
    return Array.from(this.#byId.values(), ({ state, startedAt }) => ({
      state,
      ageMs: Math.round(now - startedAt),
    }))
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
      sentFirst: 0,
      sentLast: 0,
      resendAt: now + resendFirstMs,
      resendPauseMs: resendFirstMs,
      decidedAt: state.decided === undefined ? undefined : now,
    }
    // An id may have been given that was never begun.
    if (this.#byId.size === 0) this.#mark = open.position
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

  /** Answers for what a participant has not applied in time, and tells what is to be done. */
  review(now: number, config: Pick<Config, 'checkoutDeadlineMs' | 'answerWaitMs'>): Review {
    const expired: Open[] = []
    const due: Open[] = []
    let unapplied = 0
    for (const open of this.#byId.values()) {
      const isLate = open.decidedAt !== undefined && now - open.decidedAt >= config.answerWaitMs
      // One whose end is being written is applied everywhere.
      if (isLate && open.state.phase !== 'ended') unapplied++
      if (open.isBusy) continue
      if (open.state.decided === undefined && now - open.startedAt >= config.checkoutDeadlineMs) {
        expired.push(open)
        continue
      }
      if (isLate) this.answer(open)
      if (now >= open.resendAt) due.push(open)
    }
    this.#unapplied = unapplied
    return { expired, due }
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

/** Every command of it whose answer is still missing. */
export const pendingOf = ({ state }: Open): readonly Order[] =>
  protocols[state.protocol].pending(state)

/** The version of the order that a checkout was made from. */
const versionIn = ({ branches }: Pick<Checkout, 'branches'>): number | undefined =>
  branches.find(({ service }) => service === 'order')?.entries[0]?.amount

/** What would have begun, but the database had too much to do. */
export const turnedAway = (state: State): State => ({
  ...state,
  phase: 'ended',
  decided: 'aborted',
  reason: 'overloaded',
})

export const notKnownYet = () =>
  new ShopError(
    'not_known_yet',
    'The outcome of this checkout is not known yet; repeat the request or look at the order.',
  )
