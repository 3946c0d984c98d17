/**
 * One partition of the decision log, and the transactions that it drives.
 *
 * Promise: a transaction's state is in the log before anything that depends on it is sent or
 * answered; after a crash at any line, `open` reads the log and drives on whatever has not ended.
 * Every write names this owner's epoch, so a former owner that wakes up cannot write (fencing after
 * Gray and Cheriton's leases, but without time). A write that was not begun is tried again; after
 * any other failure the partition closes: memory and log may differ, who opens it reads the truth.
 *
 * Who says what to ask: protocol/two-phase-commit.ts or saga.ts. Next: decision-log.ts.
 */
import { protocols } from '../../protocol/index.ts'
import { answerInquiry, hasPart } from '../../protocol/inquiry.ts'
import type {
  Checkout,
  Inquiry,
  Message,
  Outcome,
  Reply,
  TransactionId,
} from '../../protocol/messages.ts'
import type { State, Step } from '../../protocol/protocol.ts'
import { parseTransactionId, positionOf, transactionId } from '../../protocol/transaction-id.ts'
import type { Timer } from '../runtime/clock.ts'
import { isOverloaded, ShopError } from '../runtime/errors.ts'
import { Commands } from './commands.ts'
import type { CoordinatorOptions } from './coordinator.ts'
import { DecisionLog, type Written } from './decision-log.ts'
import {
  notKnownYet,
  type Open,
  OpenTransactions,
  pendingOf,
  summaryOf,
  turnedAway,
  type Waiter,
} from './open-transactions.ts'
import { Requests } from './requests.ts'

/** How often time is looked at (resends, deadlines, full databases), and who owns the partition. */
const tickMs = 25
const ownerCheckMs = 1_000

export class CoordinatorPartition {
  readonly #options: CoordinatorOptions
  readonly #partition: number
  readonly #log: DecisionLog
  readonly #open: OpenTransactions
  readonly #timer: Timer
  readonly #requests: Requests
  readonly #commands: Commands
  #sequence = 0
  #isClosed = false
  #checkOwnerAt: number

  private constructor(options: CoordinatorOptions, partition: number, log: DecisionLog) {
    this.#options = options
    this.#partition = partition
    this.#log = log
    this.#open = new OpenTransactions(positionOf(log.epoch, 1))
    this.#requests = new Requests(options, partition)
    this.#commands = new Commands(options, this.#open)
    this.#checkOwnerAt = options.clock.now() + ownerCheckMs
    this.#timer = options.clock.every(tickMs, () => this.#tick())
  }

  /** Takes the partition over: a new epoch, then every open transaction is driven on. */
  static async open(options: CoordinatorOptions, partition: number): Promise<CoordinatorPartition> {
    const log = await DecisionLog.takeOver(options.storage, partition, options.config)
    const opened = new CoordinatorPartition(options, partition, log)
    for (const state of log.recovered.splice(0)) opened.#enter(state)
    opened.#open.raiseMark(opened.#nextPosition())
    for (const open of opened.#open.values()) {
      options.counters.recovered++
      opened.#commands.begin(open, pendingOf(open))
    }
    return opened
  }

  /** Everything open here, oldest first, for people. */
  list(): readonly { state: State; ageMs: number }[] {
    return this.#open.list(this.#options.clock.now())
  }

  run(checkout: Checkout): Promise<Outcome> {
    return new Promise((resolve, reject) => this.#attend(Symbol(), checkout, { resolve, reject }))
  }

  /** Lets `waiter` wait for the outcome: of what is open, of what has ended, or of a new one. */
  #attend(request: string | symbol, checkout: Checkout, waiter: Waiter): void {
    if (this.#isClosed) {
      waiter.reject(notKnownYet())
      return
    }
    const joined = this.#open.joined(checkout)
    if (joined !== undefined) {
      joined.waiters.set(request, waiter)
    } else if (checkout.paidBy !== undefined) {
      const outcome = this.#endOf(checkout.paidBy)
      if (outcome === undefined) waiter.reject(notKnownYet())
      else waiter.resolve(outcome)
    } else if (this.#open.unapplied >= this.#options.config.maxUnapplied) {
      this.#options.counters.turnedAway++
      waiter.resolve({ kind: 'aborted', transaction: this.#nextId(), reason: 'overloaded' })
    } else {
      this.#begin(checkout).waiters.set(request, waiter)
    }
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
    else if (message.kind === 'checkout') {
      this.#requests.hear(message, (id, checkout, waiter) => this.#attend(id, checkout, waiter))
    } else if (message.kind === 'inquiry') await this.#onInquiry(message)
  }

  /** Lets go: nothing is written or sent any more; who waits is told that it is not known. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#timer.cancel()
    this.#open.abandon(notKnownYet())
  }

  #begin(checkout: Checkout): Open {
    const step = protocols[this.#options.protocol].begin(this.#nextId(), checkout)
    const open = this.#enter(step.state)
    open.isBusy = true
    this.#options.counters.started++
    this.#log
      .write(step, this.#options.local, this.#open.mark)
      .then((written) => {
        open.isBusy = false
        if (this.#isClosed) return
        if (written.refusedAtOnce) this.#endAtOnce(open, written.step.state)
        else {
          this.#take(open, written.step)
          this.#drain(open)
        }
      })
      .catch((error) => {
        if (!isOverloaded(error) || this.#isClosed) this.#lose(error)
        else this.#endAtOnce(open, turnedAway(step.state))
      })
    return open
  }

  /** Nothing of it is in the log. */
  #endAtOnce(open: Open, state: State): void {
    this.#move(open, state)
    this.#open.answer(open)
    this.#forget(open)
  }

  #enter(state: State): Open {
    const { clock, config } = this.#options
    return this.#open.enter(state, clock.now(), config.resendFirstMs)
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
      if (event.kind === 'reply') this.#commands.hear(event, open)
      if (step.durable) return this.#persist(open, step)
      this.#move(open, step.state)
      this.#commands.begin(open, step.send)
    }
  }

  async #persist(open: Open, step: Step): Promise<void> {
    open.isBusy = true
    // The outcome was durable before: whoever waits need not wait for the end to be written.
    if (step.state.phase === 'ended' && open.state.decided !== undefined) {
      this.#move(open, step.state)
      this.#open.answer(open)
    }
    try {
      const written = await this.#written(step)
      if (this.#isClosed) return
      open.isBusy = false
      this.#take(open, written.step)
      await this.#drain(open)
    } catch (error) {
      this.#lose(error)
    }
  }

  /** What has begun must go on, however much the database has to do. */
  async #written(step: Step): Promise<Written> {
    for (;;) {
      try {
        return await this.#log.write(step, this.#options.local, this.#open.mark)
      } catch (error) {
        if (!isOverloaded(error) || this.#isClosed) throw error
      }
      await this.#options.clock.sleep(tickMs)
      if (this.#isClosed) throw notKnownYet()
    }
  }

  /** A step that is in the log takes effect: remember, send, answer. */
  #take(open: Open, step: Step): void {
    this.#move(open, step.state)
    if (step.state.decided !== undefined) open.decidedAt ??= this.#options.clock.now()
    this.#commands.begin(open, step.send)
    if (step.state.phase !== 'ended') return
    this.#open.answer(open)
    this.#forget(open)
  }

  #move(open: Open, state: State): void {
    if (state.phase !== open.state.phase) {
      const now = this.#options.clock.now()
      this.#options.counters.phaseLeft(open.state, open.phaseSince, now)
      open.phaseSince = now
    }
    open.state = state
  }

  #forget(open: Open): void {
    this.#open.forget(open, this.#nextPosition())
    const { counters, clock, log } = this.#options
    counters.ended(open.state, open.startedAt, clock.now())
    log.debug('transaction ended', summaryOf(open.state))
  }

  #nextId(): TransactionId {
    return transactionId(this.#options.home, this.#partition, this.#log.epoch, ++this.#sequence)
  }

  #nextPosition(): string {
    return positionOf(this.#log.epoch, this.#sequence + 1)
  }

  async #onInquiry(inquiry: Inquiry): Promise<void> {
    const { transaction, branch, undo } = inquiry
    const id = this.#requests.askedHere(inquiry)
    if (id === undefined || this.#open.get(transaction) !== undefined) return
    const position = positionOf(id.epoch, id.sequence)
    if (position >= this.#nextPosition()) return // of a newer epoch: not ours to answer
    const ended = await this.#log.find(id).catch((error) => this.#heed(error))
    if (this.#isClosed) return
    if (ended !== undefined && !hasPart(ended, branch)) return
    const verb = answerInquiry(undo, ended, position < this.#open.mark)
    if (verb !== undefined) this.#commands.answer(transaction, { verb, branch })
  }

  /** A newer owner may have gone again; without a write this one would never know of its epoch. */
  #checkOwner(): void {
    const heeded = this.#log.checkOwner().catch((error) => this.#heed(error))
    heeded.catch(() => {})
  }

  #heed(error: unknown): never {
    if (error instanceof ShopError && error.code === 'fenced') this.#lose(error)
    throw error
  }

  #tick(): void {
    const now = this.#options.clock.now()
    if (now >= this.#checkOwnerAt) {
      this.#checkOwnerAt = now + ownerCheckMs
      this.#checkOwner()
    }
    const { expired, due } = this.#open.review(now, this.#options.config)
    for (const open of expired) {
      open.events.push({ kind: 'deadline' })
      void this.#drain(open)
    }
    this.#commands.resend(due)
  }

  #lose(error: unknown): void {
    if (this.#isClosed) return
    this.close()
    this.#options.onLost(this.#partition, error)
  }
}
