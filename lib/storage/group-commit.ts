/**
 * The group commit that the embedded adapters share: steps that arrive while a write is in flight
 * wait and form the next group; a group runs in order over its own changes and becomes one write.
 *
 * Promise: one write at a time, so a step sees what is durable plus what its own group did before
 * it. What a step answered (also a throw) is told only once the group is durable, because it may
 * rest on changes of the same group. Next: memory.ts and lmdb.ts, the two disks under it.
 */
import { ShopError } from '../runtime/errors.ts'
import { Histogram, type Metric, single, sizeBounds } from '../runtime/metric.ts'
import { placeOf, requireKey, requirePrefix } from './keys.ts'
import { type Changes, GroupDraft, type StoredRecord } from './step.ts'
import type { Draft, Json, ScanOptions, Storage, StoredEntry } from './storage.ts'

/** Steps of one group: bounds the time that one group keeps the event loop. */
export const MAX_GROUP_STEPS = 1_024
/** Steps that wait for their group; more are refused as `overloaded`. */
export const MAX_WAITING_STEPS = 65_536
/** Records of a load that travel with one group: a few milliseconds of work. */
export const LOAD_CHUNK_RECORDS = 1_000
/** Characters of JSON after which such a chunk is full: less than a journal file holds. */
export const LOAD_CHUNK_CHARACTERS = 200_000

/** A synchronous view of what is durable, and one atomic write. Keys are places (keys.ts). */
export interface Disk {
  /** Throws a TypeError for what JSON cannot carry. */
  encode(record: Json): StoredRecord
  read(place: string): Json | undefined
  /** Ascending, places strictly after `after`. */
  scan(prefix: string, after: string | undefined, limit: number): StoredEntry[]
  /**
   * Resolves when all changes are durable; from then on `read` and `scan` show them. Rejects with
   * `storage_full` when nothing of them happened and a later write may succeed; with any other
   * error when that cannot be known, and is not called again.
   */
  write(changes: Changes): Promise<void>
  close(): Promise<void>
}

export interface GroupCommitOptions {
  readonly partitions: number
  /**
   * When the next group may form, after one of `steps` steps: lets the callers of the last one join
   * it, and others who are about to come.
   */
  readonly nextTurn: (steps: number) => Promise<void>
  /** Told of the failure that ended it, after its callers were; a full disk does not end it. */
  readonly onFailure?: ((error: ShopError) => void) | undefined
}

/** Counted since the storage was opened. */
export interface StorageStats {
  readonly steps: number
  /** Durable writes: far fewer than steps when many run at once. */
  readonly writes: number
}

interface WaitingStep {
  readonly partition: number
  readonly keys: readonly string[]
  readonly step: (draft: Draft) => unknown
  readonly resolve: (result: never) => void
  readonly reject: (error: unknown) => void
  result: unknown
  threw: boolean
}

interface WaitingLoad {
  readonly partition: number
  readonly entries: Iterator<StoredEntry>
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  ended: boolean
}

/** What every adapter with group commit tells: `groups` has the steps of each durable write. */
export const storageMetrics = (stats: StorageStats, groups: Histogram): readonly Metric[] => [
  single('counter', 'till_storage_steps_total', 'Atomic steps that were run', () => stats.steps),
  single('counter', 'till_storage_writes_total', 'Durable writes', () => stats.writes),
  {
    kind: 'histogram',
    name: 'till_storage_group_steps',
    help: 'Steps that one durable write carried',
    read: () => [{ labels: {}, histogram: groups }],
  },
]

export class GroupCommitStorage implements Storage {
  readonly partitions: number
  readonly stats = { steps: 0, writes: 0 }
  readonly #groups = new Histogram(sizeBounds)
  readonly metrics = storageMetrics(this.stats, this.#groups)
  readonly #disk: Disk
  readonly #options: GroupCommitOptions
  readonly #draft: GroupDraft
  #steps: WaitingStep[] = []
  #loads: WaitingLoad[] = []
  #running = false
  #failure: ShopError | undefined
  #closing: Promise<void> | undefined
  #drained: (() => void) | undefined

  constructor(disk: Disk, options: GroupCommitOptions) {
    this.partitions = options.partitions
    this.#disk = disk
    this.#options = options
    this.#draft = new GroupDraft(disk)
  }

  transact<T>(partition: number, keys: readonly string[], step: (draft: Draft) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#requireOpen(partition)
      for (const key of keys) requireKey(key)
      if (this.#steps.length >= MAX_WAITING_STEPS) {
        throw new ShopError(
          'overloaded',
          `${MAX_WAITING_STEPS} steps already wait for the disk. Try again in a moment.`,
        )
      }
      this.#steps.push({ partition, keys, step, resolve, reject, result: undefined, threw: false })
      this.#wake()
    })
  }

  async read<R extends Json>(partition: number, key: string): Promise<R | undefined> {
    this.#requireOpen(partition)
    requireKey(key)
    return this.#disk.read(placeOf(partition, key)) as R | undefined
  }

  async scan(
    partition: number,
    prefix: string,
    options: ScanOptions,
  ): Promise<readonly StoredEntry[]> {
    this.#requireOpen(partition)
    requirePrefix(prefix)
    if (options.after !== undefined) requireKey(options.after)
    if (options.limit <= 0) return []
    const after = options.after === undefined ? undefined : placeOf(partition, options.after)
    const found = this.#disk.scan(placeOf(partition, prefix), after, options.limit)
    const start = placeOf(partition, '').length
    return found.map(({ key, record }) => ({ key: key.slice(start), record }))
  }

  load(partition: number, entries: Iterable<StoredEntry>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#requireOpen(partition)
      const iterator = entries[Symbol.iterator]()
      this.#loads.push({ partition, entries: iterator, resolve, reject, ended: false })
      this.#wake()
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain().then(() => this.#disk.close())
    return this.#closing
  }

  async #drain(): Promise<void> {
    if (!this.#running) return
    await new Promise<void>((resolve) => {
      this.#drained = resolve
    })
  }

  #requireOpen(partition: number): void {
    if (this.#closing) {
      throw new ShopError('storage_closed', 'The storage is closed. Open it again to use it.')
    }
    if (this.#failure) throw this.#failure
    if (!(Number.isInteger(partition) && partition >= 0 && partition < this.partitions)) {
      throw new RangeError(`There is no partition ${partition} among ${this.partitions}.`)
    }
  }

  #wake(): void {
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => this.#runGroups())
  }

  async #runGroups(): Promise<void> {
    while (this.#steps.length > 0 || this.#loads.length > 0) {
      const steps = this.#steps
      this.#steps = steps.length > MAX_GROUP_STEPS ? steps.splice(MAX_GROUP_STEPS) : []
      await this.#runGroup(steps, this.#loads.shift())
      await this.#options.nextTurn(steps.length)
    }
    this.#running = false
    this.#drained?.()
  }

  async #runGroup(steps: readonly WaitingStep[], load: WaitingLoad | undefined): Promise<void> {
    const draft = this.#draft
    draft.beginGroup()
    const loaded = load !== undefined && this.#takeChunk(load)
    for (const waiting of steps) {
      try {
        waiting.result = draft.run(waiting.partition, waiting.keys, waiting.step)
      } catch (error) {
        waiting.result = error
        waiting.threw = true
      }
    }
    this.stats.steps += steps.length
    const changes = draft.endGroup()
    try {
      if (changes.size > 0) {
        await this.#disk.write(changes)
        this.stats.writes++
        this.#groups.observe(steps.length)
      }
    } catch (error) {
      this.#fail(error, steps, loaded ? load : undefined)
      return
    }
    for (const { result, threw, resolve, reject } of steps) {
      if (threw) reject(result)
      else resolve(result as never)
    }
    if (!loaded) return
    if (load.ended) load.resolve()
    else this.#loads.push(load)
  }

  /** Answers false, and has rejected the load, when its entries cannot be had or stored. */
  #takeChunk(load: WaitingLoad): boolean {
    const chunk: Array<[place: string, stored: StoredRecord]> = []
    let characters = 0
    try {
      while (chunk.length < LOAD_CHUNK_RECORDS && characters < LOAD_CHUNK_CHARACTERS) {
        const next = load.entries.next()
        if (next.done) {
          load.ended = true
          break
        }
        requireKey(next.value.key)
        const stored = this.#disk.encode(next.value.record)
        characters += stored.text.length
        chunk.push([placeOf(load.partition, next.value.key), stored])
      }
    } catch (error) {
      load.reject(error)
      return false
    }
    for (const [place, stored] of chunk) this.#draft.putUnread(place, stored)
    return true
  }

  /** The disk has failed by itself: as after a write that failed, nothing is answered any more. */
  fail(error: ShopError): void {
    this.#fail(error, [], undefined)
  }

  #fail(thrown: unknown, steps: readonly WaitingStep[], load: WaitingLoad | undefined): void {
    const error =
      thrown instanceof ShopError
        ? thrown
        : new ShopError('storage_unavailable', 'The storage failed. Restart the service.', thrown)
    for (const { reject } of steps) reject(error)
    load?.reject(error)
    // Nothing happened, and reads go on; so will writes, when there is room.
    if (error.code === 'storage_full') return
    // Nobody knows whether the write happened: a read could show what a restart contradicts.
    this.#failure = error
    for (const { reject } of this.#steps.splice(0)) reject(error)
    for (const { reject } of this.#loads.splice(0)) reject(error)
    this.#options.onFailure?.(error)
  }
}
