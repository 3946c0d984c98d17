/**
 * Chooses the storage adapter of a service by STORAGE. Next: lmdb.ts, redis.ts, or memory.ts.
 */
import { join } from 'node:path'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import { openLmdbStorage } from './lmdb.ts'
import { openMemoryStorage } from './memory.ts'
import { openRedisStorage } from './redis.ts'
import type { Storage } from './storage.ts'

export interface OpenStorageOptions {
  readonly config: Config
  /** The service whose database it is: a directory of this name under DATA holds it. */
  readonly name: string
  readonly log: Log
  /** Told of a failure after which only a restart helps; a full disk is none. */
  readonly onFailure?: (error: Error) => void
}

/** Opens what an earlier process left, or creates it. `memory` starts empty and leaves nothing. */
export async function openStorage(options: OpenStorageOptions): Promise<Storage> {
  const { config, name, log, onFailure } = options
  const { storage, partitions } = config
  switch (storage) {
    case 'lmdb': {
      const path = join(config.data, name)
      return openLmdbStorage({ path, partitions, ...(onFailure && { onFailure }) })
    }
    case 'memory':
      return openMemoryStorage({ partitions })
    case 'redis':
      return openRedisStorage(config, log)
  }
}
