/**
 * What one participant partition knows of the branches in its storage, and what it does about them
 * by itself: it asks about those that stay undecided, and drops those that the coordinators'
 * low-water marks have passed.
 *
 * It is a memory of the storage, not the truth: records are learnt when the partition is assigned
 * and again once in a while (another instance may have held the partition meanwhile), and each is
 * looked at in the storage before anything is asked or dropped.
 */
import { type Branch, coordinatorTopic, type ServiceName } from '../../protocol/messages.ts'
import { coordinatorOf, parseTransactionId } from '../../protocol/transaction-id.ts'
import type { Bus } from '../bus/bus.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Storage } from '../storage/storage.ts'
import { allBranches, type FoundBranch, openBranches, type StoredBranch } from './branch-records.ts'
import { dropBranches, type Known, passBranches } from './branch-sweep.ts'
import { branchKey, branchKeyAt } from './keys.ts'

export interface KnownBranchesOptions {
  readonly service: ServiceName
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly config: Pick<Config, 'inquireAfterMs' | 'audit'>
  readonly log: Pick<Log, 'error'>
}

/** All that one coordinator partition has begun here. */
interface Correspondence {
  /** By branch key. */
  readonly known: ChurnMap<string, Known>
  /** The newest mark heard, and the one that records were dropped up to. */
  heard: string
  swept: string
}

/** Questions of a partition between two sweeps; who has waited longest is asked about first. */
const mostInquiries = 100
const learnAgainMs = 60_000

export class KnownBranches {
  readonly #options: KnownBranchesOptions
  readonly #partition: number
  readonly #byCoordinator = new Map<string, Correspondence>()
  #learnAgainAt = 0
  #learning: Promise<void> | undefined

  constructor(options: KnownBranchesOptions, partition: number) {
    this.#options = options
    this.#partition = partition
  }

  /** How many branch records it knows of. */
  get size(): number {
    return [...this.#byCoordinator.values()].reduce((size, { known }) => size + known.size, 0)
  }

  /**
   * Reads the branch records of the partition: all, or with AUDIT, where those that have ended stay
   * for ever, from each coordinator's mark on, and those that are known to be held below it. (What
   * was held there before AUDIT was switched on is found by `./till check` only.)
   */
  learn(): Promise<void> {
    this.#learning ??= this.#learn().finally(() => {
      this.#learning = undefined
    })
    return this.#learning
  }

  async #learn(): Promise<void> {
    const { storage, clock, config } = this.#options
    const read = config.audit ? openBranches : allBranches
    for await (const found of read({ storage, clock, partition: this.#partition })) {
      this.#learnt(found)
    }
    this.#learnAgainAt = clock.now() + learnAgainMs
  }

  #learnt({ key, branch, isHeld }: FoundBranch): void {
    const id = parseTransactionId(branch.transaction)
    // Not written by a participant.
    if (id === undefined || branchKey(id) !== key) return
    const coordinator = coordinatorOf(id)
    const known = this.#with(coordinator).known.get(key)
    if (known === undefined) this.note(coordinator, key, branch, isHeld)
    else known.isHeld ||= isHeld
  }

  /** A record was written. */
  note(coordinator: string, key: string, record: StoredBranch, isHeld = false): void {
    const { clock, config } = this.#options
    const { known } = this.#with(coordinator)
    const before = known.get(key)
    const isUndecided = record.state === 'prepared' || record.state === 'executed'
    const isOver = !isUndecided && record.parked === undefined
    const isToldHeld = isHeld || before?.isHeld === true
    // With AUDIT records are kept for ever, and what has ended need not be known.
    if (config.audit && isOver && !isToldHeld) known.delete(key)
    else {
      const askAgainAt = clock.now() + config.inquireAfterMs
      known.set(key, {
        transaction: record.transaction,
        isUndecided,
        askAgainAt,
        hasAsked: before?.hasAsked ?? false,
        isReported: before?.isReported ?? false,
        isHeld: isToldHeld,
      })
    }
  }

  /**
   * A command of the branch `key` at `position` carried this mark. A coordinator sends no command
   * of what the mark has passed but to answer a question, so a mark beyond the command itself that
   * was not asked for is nobody's: heard, it would drop records that are still needed.
   */
  hear(coordinator: string, key: string, position: string, mark: string): void {
    const correspondence = this.#with(coordinator)
    if (mark > position && correspondence.known.get(key)?.hasAsked !== true) return
    if (correspondence.heard < mark) correspondence.heard = mark
  }

  /**
   * Asks about some of what is due, and drops what the marks have passed; returns how many
   * inquiries were sent. Nothing is dropped before all has been learnt.
   */
  async tidy(): Promise<number> {
    if (this.#options.clock.now() >= this.#learnAgainAt) await this.learn()
    let inquiries = 0
    for (const [coordinator, correspondence] of [...this.#byCoordinator]) {
      const { known } = correspondence
      const asked = await this.#inquire(coordinator, known, mostInquiries - inquiries)
      inquiries += asked
      if (asked > 0) {
        // Behind all others, for the same reason as a branch.
        this.#byCoordinator.delete(coordinator)
        this.#byCoordinator.set(coordinator, correspondence)
      }
      if (correspondence.swept < correspondence.heard) {
        await this.#sweep(coordinator, correspondence)
      }
    }
    return inquiries
  }

  async #inquire(
    coordinator: string,
    known: ChurnMap<string, Known>,
    most: number,
  ): Promise<number> {
    const { clock, storage, bus, service } = this.#options
    const now = clock.now()
    const due: string[] = []
    for (const [key, { isUndecided, askAgainAt }] of known.entries()) {
      if (due.length >= most) break
      if (isUndecided && askAgainAt <= now) due.push(key)
    }
    let inquiries = 0
    for (const key of due) {
      const record = await storage.read<StoredBranch>(this.#partition, key)
      const before = known.get(key)
      // Behind all others: where more are due than may be asked about, each has its turn.
      known.delete(key)
      if (record === undefined || before === undefined) continue
      known.set(key, before)
      this.note(coordinator, key, record)
      const id = parseTransactionId(record.transaction)
      const asked = known.get(key)
      if (id === undefined || asked?.isUndecided !== true) continue
      asked.hasAsked = true
      const branch: Branch = { service, partition: this.#partition, entries: record.entries }
      const undo = record.state === 'prepared' ? 'abort' : 'compensate'
      const { transaction } = record
      bus.send(coordinatorTopic(id.home), id.partition, {
        kind: 'inquiry',
        transaction,
        branch,
        undo,
      })
      inquiries++
    }
    return inquiries
  }

  async #sweep(coordinator: string, correspondence: Correspondence): Promise<void> {
    const { storage, config } = this.#options
    const { known, heard } = correspondence
    const end = branchKeyAt(coordinator, heard)
    const passed = [...known.keys()].filter((key) => key < end)
    const sweep = config.audit ? passBranches : dropBranches
    await sweep({
      ...{ storage, partition: this.#partition, coordinator, known, mark: heard, passed },
      onLeft: (branch) => this.#report(branch),
    })
    correspondence.swept = heard
  }

  /**
   * Held, though everything below the mark has ended: this storage or the log's has lost writes.
   */
  #report(known: Known): void {
    if (!known.isUndecided || known.isReported) return
    known.isReported = true
    const { transaction } = known
    this.#options.log.error('a branch is held whose transaction has ended', { transaction })
  }

  #with(coordinator: string): Correspondence {
    let found = this.#byCoordinator.get(coordinator)
    if (found === undefined) {
      found = { known: new ChurnMap(), heard: '', swept: '' }
      this.#byCoordinator.set(coordinator, found)
    }
    return found
  }
}
