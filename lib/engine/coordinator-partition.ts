/**
 * One partition of the decision log, and the transactions that it drives.
 *
 * Promise: a transaction's state is in the log before anything that depends on it is sent or
 * answered; after a crash at any line, `open` reads the log and drives on whatever has not ended.
 * Every write names this owner's epoch, so a former owner that wakes up cannot write (fencing after
 * Gray and Cheriton's leases, but without time). A write that fails in an unknown way closes the
 * partition: memory and log may differ, and who opens it again reads the truth.
 *
 * What it asks at each event: protocol/two-phase-commit.ts or saga.ts. What it writes:
 * decision-log.ts. Who owns it: coordinator-host.ts.
 */
import { protocols } from '../../protocol/index.ts'
import type {
  Checkout,
  CheckoutRequest,
  Home,
  Inquiry,
  Message,
  Outcome,
  ProtocolName,
  Reply,
  TransactionId,
} from '../../protocol/messages.ts'
import {
  type Event,
  type Order,
  outcomeOf,
  type State,
  type Step,
} from '../../protocol/protocol.ts'
import { parseTransactionId, positionOf, transactionId } from '../../protocol/transaction-id.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { Storage } from '../storage/storage.ts'
import type { CoordinatorCounters } from './counters.ts'
import { DecisionLog } from './decision-log.ts'
import type { LocalBranch } from './local-branch.ts'

export type CoordinatorConfig = Pick<
  Config,
  'checkoutDeadlineMs' | 'answerWaitMs' | 'resendFirstMs' | 'resendMaxMs' | 'keptDecisions'
>

export interface CoordinatorOptions {
  readonly home: Home
  /** The protocol of new transactions; those in the log keep their own. */
  readonly protocol: ProtocolName
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly config: CoordinatorConfig
  readonly log: Log
  readonly counters: CoordinatorCounters
  /** The participant whose records share this coordinator's storage, if any. */
  readonly local?: LocalBranch
  /** This partition can no longer be trusted to mirror its log; open another. */
  onLost(partition: number, error: unknown): void
}

interface Waiter {
  resolve(outcome: Outcome): void
  reject(error: unknown): void
}

/** A transaction that has not ended, and what only memory knows of it. */
interface Open {
  state: State
  /** Its place among the ids of this coordinator partition. */
  readonly position: string
  readonly startedAt: number
  readonly waiters: Waiter[]
  /** Requests from elsewhere that wait for the outcome, by their id. */
  readonly requests: Map<string, CheckoutRequest>
  readonly events: Event[]
  isBusy: boolean
  resendAt: number
  resendPauseMs: number
  decidedAt: number | undefined
}

/** How often resends and deadlines are looked at. */
const tickMs = 25
/** How often an owner makes sure that it still is; what a newer one has begun would lie idle. */
const ownerCheckMs = 1_000

export class CoordinatorPartition {
  readonly #options: CoordinatorOptions
  readonly #partition: number
  readonly #log: DecisionLog
  /** In the order of their ids: the first is the low-water mark. */
  readonly #open = new Map<string, Open>()
  readonly #byOrder = new Map<string, Open>()
  /** The low-water mark: everything below has ended, durably. */
  #mark: string
  readonly #timer: Timer
  #sequence = 0
  #isClosed = false
  #checkOwnerAt: number

  private constructor(options: CoordinatorOptions, partition: number, log: DecisionLog) {
    this.#options = options
    this.#partition = partition
    this.#log = log
    this.#mark = positionOf(log.epoch, 1)
    this.#checkOwnerAt = options.clock.now() + ownerCheckMs
    this.#timer = options.clock.every(tickMs, () => this.#tick())
  }

  /** Takes the partition over: a new epoch, then every open transaction is driven on. */
  static async open(options: CoordinatorOptions, partition: number): Promise<CoordinatorPartition> {
    const log = await DecisionLog.takeOver(options.storage, partition, options.config)
    const opened = new CoordinatorPartition(options, partition, log)
    const states = log.recovered.splice(0)
    for (const state of states) opened.#enter(state)
    opened.#raiseMark()
    for (const open of opened.#open.values()) opened.#resume(open)
    return opened
  }

  get openTransactions(): number {
    return this.#open.size
  }

  /** Everything open here, oldest first, for people. */
  list(): readonly { state: State; ageMs: number }[] {
    const now = this.#options.clock.now()
    return [...this.#open.values()].map(({ state, startedAt }) => ({
      state,
      ageMs: Math.round(now - startedAt),
    }))
  }

  run(checkout: Checkout): Promise<Outcome> {
    if (this.#isClosed) return Promise.reject(notKnownYet())
    const joined = this.#joined(checkout)
    if (joined === undefined && checkout.paidBy !== undefined) {
      const outcome = this.#endOf(checkout.paidBy)
      return outcome === undefined ? Promise.reject(notKnownYet()) : Promise.resolve(outcome)
    }
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject }
      if (joined !== undefined) joined.waiters.push(waiter)
      else this.#begin(checkout, waiter)
    })
  }

  /** The open transaction whose outcome answers this checkout too. */
  #joined(checkout: Checkout): Open | undefined {
    if (checkout.paidBy !== undefined) return this.#open.get(checkout.paidBy)
    const open = this.#byOrder.get(checkout.orderId)
    // Made from another version of the order, it would answer for lines that were not asked for.
    if (open === undefined || versionIn(open.state) !== versionIn(checkout)) return undefined
    return open
  }

  /** What paid an order and is not open here has ended, unless a newer owner runs it. */
  #endOf(transaction: TransactionId): Outcome | undefined {
    const id = parseTransactionId(transaction)
    const { home } = this.#options
    if (id?.home === home && positionOf(id.epoch, id.sequence) >= this.#nextPosition()) {
      return undefined
    }
    return { kind: 'committed', transaction }
  }

  async receive(message: Message): Promise<void> {
    if (this.#isClosed) return
    if (message.kind === 'reply') await this.#onReply(message)
    else if (message.kind === 'checkout') this.#onRequest(message)
    else if (message.kind === 'inquiry') await this.#onInquiry(message)
  }

  /** Lets go: nothing is written or sent any more; who waits is told that it is not known. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer.cancel()
    for (const { waiters } of this.#open.values()) {
      for (const waiter of waiters.splice(0)) waiter.reject(notKnownYet())
    }
    this.#open.clear()
    this.#byOrder.clear()
  }

  #begin(checkout: Checkout, waiter: Waiter): void {
    const { home, protocol } = this.#options
    const id = transactionId(home, this.#partition, this.#log.epoch, ++this.#sequence)
    const step = protocols[protocol].begin(id, checkout)
    const open = this.#enter(step.state)
    open.waiters.push(waiter)
    open.isBusy = true
    this.#options.counters.started++
    this.#log
      .write(step, this.#options.local, this.#mark)
      .then((written) => {
        open.isBusy = false
        if (this.#isClosed) return
        if (written.refusedAtOnce) {
          open.state = written.step.state
          this.#answer(open)
          this.#forget(open)
          return
        }
        this.#take(open, written.step)
        this.#drain(open)
      })
      .catch((error) => this.#lose(error))
  }

  #enter(state: State): Open {
    const { clock, config } = this.#options
    const { epoch, sequence } = parseTransactionId(state.transaction)!
    const open: Open = {
      state,
      position: positionOf(epoch, sequence),
      startedAt: clock.now(),
      waiters: [],
      requests: new Map(),
      events: [],
      isBusy: false,
      resendAt: clock.now() + config.resendFirstMs,
      resendPauseMs: config.resendFirstMs,
      decidedAt: undefined,
    }
    this.#open.set(state.transaction, open)
    this.#byOrder.set(state.orderId, open)
    return open
  }

  #resume(open: Open): void {
    const { state } = open
    this.#options.counters.recovered++
    if (state.decided !== undefined) open.decidedAt = this.#options.clock.now()
    this.#send(state, protocols[state.protocol].pending(state))
  }

  #onReply(reply: Reply): Promise<void> | void {
    const open = this.#open.get(reply.transaction)
    if (open === undefined) return
    open.events.push(reply)
    return this.#drain(open)
  }

  /** Feeds waiting events to the protocol, one at a time; a durable step is awaited. */
  #drain(open: Open): Promise<void> | void {
    while (!open.isBusy && !this.#isClosed) {
      const event = open.events.shift()
      if (event === undefined) return
      const step = protocols[open.state.protocol].on(open.state, event)
      if (step.state === open.state) continue
      if (step.durable) return this.#persist(open, step)
      open.state = step.state
      this.#send(step.state, step.send)
    }
  }

  async #persist(open: Open, step: Step): Promise<void> {
    open.isBusy = true
    // The outcome was durable before: whoever waits need not wait for the end to be written.
    if (step.state.phase === 'ended' && open.state.decided !== undefined) {
      open.state = step.state
      this.#answer(open)
    }
    try {
      const written = await this.#log.write(step, this.#options.local, this.#mark)
      if (this.#isClosed) return
      open.isBusy = false
      this.#take(open, written.step)
      await this.#drain(open)
    } catch (error) {
      this.#lose(error)
    }
  }

  /** A step that is in the log takes effect: remember, send, answer. */
  #take(open: Open, step: Step): void {
    const { clock, config } = this.#options
    open.state = step.state
    open.resendPauseMs = config.resendFirstMs
    open.resendAt = clock.now() + open.resendPauseMs
    if (step.state.decided !== undefined) open.decidedAt ??= clock.now()
    this.#send(step.state, step.send)
    if (step.state.phase !== 'ended') return
    this.#answer(open)
    this.#forget(open)
  }

  #answer(open: Open): void {
    const outcome = outcomeOf(open.state)
    if (outcome === undefined) return
    // From here a new checkout of the order is a new transaction.
    if (this.#byOrder.get(open.state.orderId) === open) this.#byOrder.delete(open.state.orderId)
    for (const waiter of open.waiters.splice(0)) waiter.resolve(outcome)
    for (const { id, replyTo } of open.requests.values()) {
      this.#options.bus.send(replyTo.topic, replyTo.partition, { kind: 'outcome', id, outcome })
    }
    open.requests.clear()
  }

  #forget(open: Open): void {
    this.#open.delete(open.state.transaction)
    if (open.position === this.#mark) this.#raiseMark()
    if (this.#byOrder.get(open.state.orderId) === open) this.#byOrder.delete(open.state.orderId)
    this.#options.counters.ended(open.state)
  }

  #send(state: State, orders: readonly Order[]): void {
    if (orders.length === 0) return
    const mark = this.#mark
    for (const { verb, branch } of orders) {
      this.#options.bus.send(branch.service, branch.partition, {
        kind: 'command',
        verb,
        transaction: state.transaction,
        branch,
        mark,
      })
    }
  }

  #raiseMark(): void {
    const oldest = this.#open.values().next().value
    this.#mark = oldest?.position ?? this.#nextPosition()
  }

  #nextPosition(): string {
    return positionOf(this.#log.epoch, this.#sequence + 1)
  }

  #onRequest(request: CheckoutRequest): void {
    const { id, checkout, replyTo } = request
    const joined = this.#joined(checkout)
    if (joined !== undefined) {
      joined.requests.set(id, request)
      return
    }
    if (checkout.paidBy !== undefined) {
      const outcome = this.#endOf(checkout.paidBy)
      if (outcome === undefined) return
      this.#options.bus.send(replyTo.topic, replyTo.partition, { kind: 'outcome', id, outcome })
      return
    }
    this.#begin(checkout, { resolve: () => {}, reject: () => {} })
    this.#byOrder.get(checkout.orderId)?.requests.set(id, request)
  }

  /**
   * An old undecided branch. What is open is driven anyway; what has ended is told again; an id
   * that is not in the log was never started, or its start is lost: it can never commit, so it is
   * undone. A committed branch of a saga is told to execute again: it did, and hears the mark that
   * lets it go.
   */
  async #onInquiry({ transaction, branch, undo }: Inquiry): Promise<void> {
    const id = parseTransactionId(transaction)
    if (id === undefined || this.#open.has(transaction)) return
    const position = positionOf(id.epoch, id.sequence)
    // An epoch newer than this one: not ours to answer.
    if (position >= this.#nextPosition()) return
    const ended = await this.#log.find(id)
    if (this.#isClosed) return
    const hasPassed = position < this.#mark
    // A late copy of the question, most likely; a branch that is really held says so itself.
    if (ended === undefined && hasPassed && undo === 'abort') return
    // Ended and dropped from the log: had it been undone, this branch would know.
    const isCommitted = ended === undefined ? hasPassed : ended.decided === 'committed'
    if (isCommitted && undo === 'compensate' && !hasPassed) return
    const redo = undo === 'abort' ? 'commit' : 'execute'
    const verb = isCommitted ? redo : undo
    const mark = this.#mark
    this.#options.bus.send(branch.service, branch.partition, {
      kind: 'command',
      verb,
      transaction,
      branch,
      mark,
    })
  }

  /** A newer owner may have gone again; without a write this one would never know of its epoch. */
  #checkOwner(): void {
    this.#log.checkOwner().catch((error) => {
      if (error instanceof ShopError && error.code === 'fenced') this.#lose(error)
    })
  }

  #tick(): void {
    const now = this.#options.clock.now()
    if (now >= this.#checkOwnerAt) {
      this.#checkOwnerAt = now + ownerCheckMs
      this.#checkOwner()
    }
    const { config, random, counters } = this.#options
    for (const open of this.#open.values()) {
      if (open.isBusy) continue
      if (open.state.decided === undefined && now - open.startedAt >= config.checkoutDeadlineMs) {
        open.events.push({ kind: 'deadline' })
        void this.#drain(open)
        continue
      }
      if (open.decidedAt !== undefined && now - open.decidedAt >= config.answerWaitMs) {
        this.#answer(open)
      }
      if (now < open.resendAt) continue
      open.resendPauseMs = Math.min(open.resendPauseMs * 2, config.resendMaxMs)
      open.resendAt = now + open.resendPauseMs * (0.75 + random.next() / 2)
      counters.resends++
      this.#send(open.state, protocols[open.state.protocol].pending(open.state))
    }
  }

  #lose(error: unknown): void {
    if (this.#isClosed) return
    this.close()
    this.#options.onLost(this.#partition, error)
  }
}

/** The version of the order that a checkout was made from. */
const versionIn = ({ branches }: Pick<Checkout, 'branches'>): number | undefined =>
  branches.find(({ service }) => service === 'order')?.entries[0]?.amount

const notKnownYet = () =>
  new ShopError(
    'not_known_yet',
    'The outcome of this checkout is not known yet; repeat the request or look at the order.',
  )
