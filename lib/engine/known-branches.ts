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
import type { BranchRecord } from '../../protocol/participant.ts'
import { coordinatorOf, parseTransactionId } from '../../protocol/transaction-id.ts'
import type { Bus } from '../bus/bus.ts'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Draft, Storage } from '../storage/storage.ts'
import { branchPrefix, markKey } from './keys.ts'

/** A branch record as it is stored, with the id that its key cannot be turned back into. */
export type StoredBranch = BranchRecord & { readonly transaction: string }

export interface KnownBranchesOptions {
  readonly service: ServiceName
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly config: Pick<Config, 'inquireAfterMs' | 'audit'>
  readonly log: Log
}

interface Known {
  readonly transaction: string
  readonly isUndecided: boolean
  askAgainAt: number
  /** The coordinator may answer with a mark that has passed it. */
  hasAsked: boolean
  isReported: boolean
}

/** All that one coordinator partition has begun here. */
interface Correspondence {
  /** By branch key. */
  readonly known: ChurnMap<string, Known>
  /** The newest mark heard, and the one that records were dropped up to. */
  heard: string
  swept: string
}

const scanPage = 1_000
/** Records dropped by one step. */
const droppedAtOnce = 200
const learnAgainMs = 60_000

export class KnownBranches {
  readonly #options: KnownBranchesOptions
  readonly #partition: number
  readonly #byCoordinator = new Map<string, Correspondence>()
  #learnAgainAt = 0

  constructor(options: KnownBranchesOptions, partition: number) {
    this.#options = options
    this.#partition = partition
  }

  /** How many branch records it knows of. */
  get size(): number {
    return [...this.#byCoordinator.values()].reduce((size, { known }) => size + known.size, 0)
  }

  /** Reads every branch record of the partition. */
  async learn(): Promise<void> {
    const { storage, clock } = this.#options
    this.#learnAgainAt = clock.now() + learnAgainMs
    for (let after: string | undefined; ; ) {
      const page = await storage.scan(this.#partition, branchPrefix, {
        ...(after === undefined ? {} : { after }),
        limit: scanPage,
      })
      for (const { key, record } of page) {
        const branch = record as StoredBranch
        const id = parseTransactionId(branch.transaction)
        if (id === undefined) continue
        const coordinator = coordinatorOf(id)
        if (this.#with(coordinator).known.get(key) === undefined)
          this.note(coordinator, key, branch)
      }
      if (page.length < scanPage) return
      after = page.at(-1)?.key
    }
  }

  /** A record was written. */
  note(coordinator: string, key: string, record: StoredBranch): void {
    const { clock, config } = this.#options
    const { known } = this.#with(coordinator)
    const isUndecided = record.state === 'prepared' || record.state === 'executed'
    // With AUDIT records are kept for ever, and what has ended need not be known.
    if (config.audit && !isUndecided) known.delete(key)
    else {
      const askAgainAt = clock.now() + config.inquireAfterMs
      known.set(key, {
        transaction: record.transaction,
        isUndecided,
        askAgainAt,
        hasAsked: known.get(key)?.hasAsked ?? false,
        isReported: known.get(key)?.isReported ?? false,
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

  /** Asks and drops what is due; returns how many inquiries were sent. */
  async tidy(): Promise<number> {
    if (this.#options.clock.now() >= this.#learnAgainAt) await this.learn()
    let inquiries = 0
    for (const [coordinator, correspondence] of this.#byCoordinator) {
      inquiries += await this.#inquire(coordinator, correspondence)
      if (correspondence.swept < correspondence.heard) {
        await this.#sweep(coordinator, correspondence)
      }
    }
    return inquiries
  }

  async #inquire(coordinator: string, { known }: Correspondence): Promise<number> {
    const { clock, storage, bus, service } = this.#options
    const now = clock.now()
    let inquiries = 0
    for (const [key, { isUndecided, askAgainAt }] of known.entries()) {
      if (!isUndecided || askAgainAt > now) continue
      const record = await storage.read<StoredBranch>(this.#partition, key)
      if (record === undefined) {
        known.delete(key)
        continue
      }
      this.note(coordinator, key, record)
      const id = parseTransactionId(record.transaction)
      if (id === undefined || known.get(key)?.isUndecided !== true) continue
      known.get(key)!.hasAsked = true
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

  /** Writes the mark and drops what lies below it; what is held or parked is never dropped. */
  async #sweep(coordinator: string, correspondence: Correspondence): Promise<void> {
    const { storage, config } = this.#options
    const { known, heard } = correspondence
    const end = `${branchPrefix}${coordinator}:${heard}`
    const passed = [...known.keys()].filter((key) => key < end)
    do {
      const keys = passed.splice(0, droppedAtOnce)
      const step = (draft: Draft): string[] => {
        const lowest = draft.get<string>(markKey(coordinator)) ?? ''
        if (lowest < heard) draft.put(markKey(coordinator), heard)
        const gone = keys.filter((key) => isDroppable(draft.get<StoredBranch>(key)))
        if (!config.audit) for (const key of gone) draft.delete(key)
        return gone
      }
      const gone = await storage.transact(this.#partition, [markKey(coordinator), ...keys], step)
      for (const key of gone) known.delete(key)
      for (const key of keys) this.#report(known.get(key))
    } while (passed.length > 0)
    correspondence.swept = heard
  }

  /**
   * Held, though everything below the mark has ended: this storage or the log's has lost writes.
   */
  #report(known: Known | undefined): void {
    if (known?.isUndecided !== true || known.isReported) return
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

/** Executed is final once the mark has passed it; prepared is a hold that somebody must end. */
function isDroppable(record: StoredBranch | undefined): boolean {
  return record === undefined || (record.state !== 'prepared' && record.parked === undefined)
}
