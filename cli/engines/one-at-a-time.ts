/**
 * One `./till up` or `./till down` at a time on the data of a shop of processes: two that start
 * would give it different ports and passwords, and what one stops another would start again.
 */
import { ShopError } from '../../lib/runtime/errors.ts'
import { type DirectoryLock, lockDirectory } from '../../lib/storage/lock.ts'
import { CommandFailure } from '../failure.ts'

/**
 * Runs `work` with the lock of an existing data directory, which is free again when it has ended or
 * this process has died. Throws CommandFailure, and nothing is done, where another holds it.
 */
export async function oneAtATime<T>(data: string, work: () => Promise<T>): Promise<T> {
  const lock = take(data)
  try {
    return await work()
  } finally {
    lock.release()
  }
}

function take(data: string): DirectoryLock {
  try {
    return lockDirectory(data)
  } catch (error) {
    if (!(error instanceof ShopError) || error.code !== 'data_locked') throw error
    throw new CommandFailure(
      `Another ./till is starting or stopping a shop on ${data}: wait until it has ended, or ` +
        'end it with Ctrl-C.',
    )
  }
}
