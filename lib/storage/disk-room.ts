/**
 * Room on the disk, asked for before each write instead of found missing by it: lmdb 3.5.6 writes
 * past a buffer of its own when a write fails (`last_error` in mdb_page_flush), so a process whose
 * write failed inside the library must end, while one that was refused here just goes on.
 */
import { statfsSync } from 'node:fs'
import { ShopError } from '../runtime/errors.ts'
import type { Changes } from './step.ts'

/** Left free for whatever else writes to the same disk at the same moment. */
export const SPARE_BYTES = 16 * 2 ** 20
/** A changed record copies its leaf and branches, which may split: four pages of 4 KiB. */
const BYTES_PER_CHANGE = 4 * 4_096
const MOST_BYTES_PER_CHARACTER = 3

/** An upper estimate of what the file grows by. */
export function bytesToWrite(changes: Changes): number {
  let characters = 0
  for (const change of changes.values()) characters += change?.text.length ?? 0
  return changes.size * BYTES_PER_CHANGE + characters * MOST_BYTES_PER_CHARACTER
}

/** Throws `storage_full` when the disk of `path` has no room for `bytes` more. About 2 µs. */
export function requireRoom(path: string, bytes: number): void {
  const { bavail, blocks, bsize } = statfsSync(path)
  // Some file systems do not tell their size.
  if (blocks === 0 || bavail * bsize >= bytes + SPARE_BYTES) return
  throw storageFull(path)
}

export const storageFull = (path: string, cause?: unknown) =>
  new ShopError(
    'storage_full',
    `The disk that holds ${path} is full. Make room on it, then try again; nothing is damaged.`,
    cause,
  )
