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
import {
  afterBranchesOf,
  branchKeyAt,
  branchPrefix,
  heldKey,
  markKey,
  shortlyBefore,
} from './keys.ts'

/** A branch record as it is stored, with the id that its key cannot be turned back into. */
export type StoredBranch = BranchRecord & { readonly transaction: string }

export interface KnownBranchesOptions {
  readonly service: ServiceName
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly config: Pick<Config, 'inquireAfterMs' | 'audit'>
  readonly log: Pick<Log, 'error'>
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
  /** One that another owner has found to be held below the mark, for the next sweep to look at. */
  foundHeld: string | undefined
}

/** A page takes a few ms; between two of them everything else has its turn. */
const scanPage = 500
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

  /**
   * Reads the branch records of the partition: all, or with AUDIT, where those that have ended stay
   * for ever, all from each coordinator's mark on, or from the first that is held below it.
   */
  async learn(): Promise<void> {
    const { clock, config } = this.#options
    this.#learnAgainAt = clock.now() + learnAgainMs
    if (!config.audit) return this.#read(branchPrefix, undefined)
    for (let after: string | undefined; ; ) {
      const [first] = await this.#scan(branchPrefix, after, 1)
      if (first === undefined) return
      const coordinator = coordinatorIn(first.record as StoredBranch)
      after = coordinator === undefined ? first.key : afterBranchesOf(coordinator)
      if (coordinator === undefined) continue
      const from = await this.#firstOpen(coordinator)
      const start = from === undefined ? undefined : shortlyBefore(from)
      await this.#read(branchKeyAt(coordinator, ''), start)
    }
  }

  /** Everything of the coordinator before it has ended; undefined where no mark was heard yet. */
  async #firstOpen(coordinator: string): Promise<string | undefined> {
    const { storage } = this.#options
    const held = await storage.read<string>(this.#partition, heldKey(coordinator))
    if (held !== undefined) return held
    const mark = await storage.read<string>(this.#partition, markKey(coordinator))
    return mark === undefined ? undefined : branchKeyAt(coordinator, mark)
  }

  async #read(prefix: string, start: string | undefined): Promise<void> {
    for (let after = start; ; ) {
      const page = await this.#scan(prefix, after, scanPage)
      for (const { key, record } of page) {
        const branch = record as StoredBranch
        const coordinator = coordinatorIn(branch)
        if (coordinator === undefined) continue
        if (this.#with(coordinator).known.get(key) === undefined)
          this.note(coordinator, key, branch)
      }
      if (page.length < scanPage) return
      after = page.at(-1)?.key
      await this.#options.clock.sleep(0)
    }
  }

  #scan(prefix: string, after: string | undefined, limit: number) {
    const from = after === undefined ? {} : { after }
    return this.#options.storage.scan(this.#partition, prefix, { ...from, limit })
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

  /**
   * Writes the mark and drops what lies below it, or with AUDIT remembers where the first of it is
   * that is held; what is held or parked is never dropped.
   */
  async #sweep(coordinator: string, correspondence: Correspondence): Promise<void> {
    const { storage, config } = this.#options
    const { known, heard, foundHeld } = correspondence
    const end = branchKeyAt(coordinator, heard)
    const isPassed = new Set([...known.keys()].filter((key) => key < end))
    if (foundHeld !== undefined) isPassed.add(foundHeld)
    const passed = [...isPassed].sort()
    correspondence.foundHeld = undefined
    let held: string | undefined
    do {
      const keys = passed.splice(0, droppedAtOnce)
      const step = (draft: Draft) => {
        const lowest = draft.get<string>(markKey(coordinator)) ?? ''
        if (lowest < heard) draft.put(markKey(coordinator), heard)
        const gone = keys.filter((key) => isDroppable(draft.get<StoredBranch>(key)))
        const kept = keys.filter((key) => !gone.includes(key))
        if (!config.audit) for (const key of gone) draft.delete(key)
        const first = held ?? kept[0] ?? passed[0]
        const found = config.audit ? keepHeld(draft, coordinator, first, isPassed) : undefined
        return { gone, kept, found }
      }
      const every = [markKey(coordinator), ...(config.audit ? [heldKey(coordinator)] : []), ...keys]
      const { gone, kept, found } = await storage.transact(this.#partition, every, step)
      for (const key of gone) known.delete(key)
      for (const key of kept) this.#report(known.get(key))
      held ??= kept[0]
      if (found === undefined) continue
      correspondence.foundHeld = found
      this.#learnAgainAt = 0
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
      found = { known: new ChurnMap(), heard: '', swept: '', foundHeld: undefined }
      this.#byCoordinator.set(coordinator, found)
    }
    return found
  }
}

/** Undefined for a record that no participant wrote. */
function coordinatorIn({ transaction }: StoredBranch): string | undefined {
  const id = parseTransactionId(transaction)
  return id === undefined ? undefined : coordinatorOf(id)
}

/**
 * Writes which one is held first. Returns the one that another owner had found, where that is not
 * among the `passed`: it stays until it has been looked at.
 */
function keepHeld(
  draft: Draft,
  coordinator: string,
  first: string | undefined,
  passed: ReadonlySet<string>,
): string | undefined {
  const key = heldKey(coordinator)
  const before = draft.get<string>(key)
  const found = before === undefined || passed.has(before) ? undefined : before
  const next = found === undefined || (first !== undefined && first < found) ? first : found
  if (next === before) return found
  if (next === undefined) draft.delete(key)
  else draft.put(key, next)
  return found
}

/** Executed is final once the mark has passed it; prepared is a hold that somebody must end. */
function isDroppable(record: StoredBranch | undefined): boolean {
  return record === undefined || (record.state !== 'prepared' && record.parked === undefined)
}
