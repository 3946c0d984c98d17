/**
 * One process per data directory. The lock is SQLite's exclusive lock on the empty file `lock`: the
 * kernel holds it for the process and frees it when the process dies, however it dies; it works on
 * Linux and macOS alike and Node brings it along. The file itself means nothing and always stays.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ShopError } from '../runtime/errors.ts'

export interface DirectoryLock {
  release(): void
}

const SQLITE_BUSY = 5

/**
 * Locks an existing directory until `release` or until the process dies. Throws `data_locked` when
 * anyone else holds it, in this process or another, and `data_unreadable` when nobody can.
 */
export function lockDirectory(directory: string): DirectoryLock {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(directory, 'lock'), { timeout: 0 })
    // The journal in memory: a lock must need no room on a full disk.
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    if (database?.isOpen) database.close()
    throw (error as { errcode?: number }).errcode === SQLITE_BUSY
      ? new ShopError(
          'data_locked',
          `Another process uses the data in ${directory}. Stop it (./till down stops a shop), or ` +
            'choose another directory with DATA or --data.',
          error,
        )
      : new ShopError(
          'data_unreadable',
          `The data directory ${directory} cannot be locked: ${(error as Error).message}. ` +
            'Let this user read and write it and the file "lock" in it, or set DATA to another.',
          error,
        )
  }
  return { release: () => database.close() }
}
