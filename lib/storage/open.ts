/** Opens a service's storage by the name of its engine. */
import { type LmdbOptions, openLmdbStorage } from './lmdb.ts'
import { openMemoryStorage } from './memory.ts'
import type { Storage } from './storage.ts'

export type StorageKind = 'lmdb' | 'memory'

export async function openStorage(kind: StorageKind, options: LmdbOptions): Promise<Storage> {
  return kind === 'memory' ? openMemoryStorage(options) : openLmdbStorage(options)
}
