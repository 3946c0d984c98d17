/**
 * Chooses the storage adapter of a service by name. Next: lmdb.ts, or memory.ts.
 */
import { openLmdbStorage } from './lmdb.ts'
import { openMemoryStorage } from './memory.ts'
import type { Storage } from './storage.ts'

export type StorageKind = 'lmdb' | 'memory'

export interface OpenStorageOptions {
  /** Directory of this one database; `memory` needs none. */
  readonly path: string
  readonly partitions: number
  /** Told of every failed write: `storage_full` may pass, anything else needs a restart. */
  readonly onFailure?: (error: Error) => void
}

/** Opens what an earlier process left, or creates it. `memory` starts empty and leaves nothing. */
export function openStorage(kind: StorageKind, options: OpenStorageOptions): Promise<Storage> {
  switch (kind) {
    case 'lmdb':
      return openLmdbStorage(options)
    case 'memory':
      return openMemoryStorage(options)
  }
}
