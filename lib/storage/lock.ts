/**
 * The exclusive lock of a data directory. It is a lock of the kernel's (taken through SQLite, which
 * does so alike on every platform), so it is gone the moment its process is, also after kill -9.
 */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ShopError } from '../runtime/errors.ts'

export interface DirectoryLock {
  release(): void
}

/** Throws ShopError `data_locked` where another process has it, `data_unreadable` where it cannot. */
export function lockDirectory(directory: string): DirectoryLock {
  const path = join(directory, 'lock')
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(path)
    database.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (error instanceof Error && error.message.includes('locked')) {
      throw new ShopError(
        'data_locked',
        `Another shop is running on the data in ${directory}. Stop it (./till down --data ` +
          `${directory}), or choose another directory with DATA or --data.`,
        error,
      )
    }
    throw new ShopError(
      'data_unreadable',
      `The data directory ${directory} cannot be used (${String(error)}). Check that this user may ` +
        'read and write it, or choose another with DATA or --data.',
      error,
    )
  }
  const held = database
  return { release: () => held.close() }
}
