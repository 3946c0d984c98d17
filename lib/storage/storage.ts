/**
 * The storage port: one service's own database, in partitions, with atomic steps.
 *
 * Promise: when `transact` resolves, its writes are durable (they survive `kill -9` and a power
 * cut) and atomic; when it rejects with `storage_unavailable` they may or may not have happened and
 * the caller must find out; nothing is ever half written. Calls to one partition are serialisable.
 *
 * Records are plain JSON objects and must never be mutated: an adapter may hand the same object to
 * several callers. Keys are text of [A-Za-z0-9:._-], made by the services from validated ids only.
 * Adapters: memory.ts, lmdb.ts. The suite that every adapter passes: conformance.ts.
 */

import type { Health } from '../runtime/health.ts'
import type { Metric } from '../runtime/metric.ts'

/** Anything JSON can carry. An absent record is `undefined`; a record is never `null`. */
export type Json = object | string | number | boolean

/** What a step reads: `get` may be called only for the keys that were named to `transact`. */
export interface View {
  get<R extends Json>(key: string): R | undefined
}

/** What a step writes. */
export interface Draft extends View {
  put(key: string, record: Json): void
  delete(key: string): void
}

export interface StoredEntry {
  readonly key: string
  readonly record: Json
}

export interface ScanOptions {
  /** Keys strictly after this one; it must lie within the prefix's range. */
  readonly after?: string
  /** At most this many entries. */
  readonly limit: number
}

export interface Storage {
  /** Fixed when the data was created. */
  readonly partitions: number

  /**
   * Runs `step` over the named keys of one partition and writes what it puts, atomically.
   * `step` must be pure but for its draft: an adapter may run it again. If it throws, nothing of it
   * is written and the promise rejects with what it threw; others of the same group are untouched.
   * Concurrent calls to a partition are group-committed: one durable write for all of them.
   */
  transact<T>(partition: number, keys: readonly string[], step: (draft: Draft) => T): Promise<T>

  /** The newest durable record; a record that `transact` has resolved for is always visible. */
  read<R extends Json>(partition: number, key: string): Promise<R | undefined>

  /** Entries whose keys start with `prefix`, in ascending order of the key's bytes. */
  scan(partition: number, prefix: string, options: ScanOptions): Promise<readonly StoredEntry[]>

  /**
   * Writes many records without reading, in chunks: each chunk atomic, the whole not. Other calls
   * run between chunks. Durable when it resolves; after a crash in it some chunks are there.
   */
  load(partition: number, entries: Iterable<StoredEntry>): Promise<void>

  /** Whether it can be used now. An adapter without it can be used for as long as it is open. */
  health?(): Health
  /** What it counts; the same list whenever it is read. */
  readonly metrics?: readonly Metric[]

  /** Resolves when everything accepted before is durable; later calls reject. */
  close(): Promise<void>
}
