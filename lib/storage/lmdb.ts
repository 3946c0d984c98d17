/**
 * Storage on LMDB, the embedded default: one environment for all partitions of a service. The only
 * file that imports lmdb.
 *
 * Promise: a write is one LMDB transaction, made on LMDB's own thread; it resolves after the flush
 * (`overlappingSync: false`). Records are JSON text under `<partition>/<key>`; `meta` holds the
 * format and the number of partitions. The directory is locked for one process (lock.ts).
 * Next: group-commit.ts, which makes the groups.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { ShopError } from '../runtime/errors.ts'
import { bytesToWrite, requireRoom, storageFull } from './disk-room.ts'
import { type Disk, GroupCommitStorage } from './group-commit.ts'
import { Journal } from './journal.ts'
import { JournaledDisk } from './journaled-disk.ts'
import { AFTER_ALL_KEYS } from './keys.ts'
import { requireSoundLmdbFile } from './lmdb-file.ts'
import { type DirectoryLock, lockDirectory } from './lock.ts'
import { type Changes, encodeRecord, type StoredRecord } from './step.ts'
import type { Json, StoredEntry } from './storage.ts'

/** Of the records' layout; a later Till that changes it raises this. */
export const DATA_FORMAT = 1

export interface LmdbStorageOptions {
  /** Directory of this database; made if it does not exist. */
  readonly path: string
  /** Must be what the data was created with. */
  readonly partitions: number
  /** Told of a failure after which only a restart helps; a full disk is none. */
  readonly onFailure?: (error: ShopError) => void
}

type Environment = RootDatabase<string, string>

interface Meta {
  readonly format: number
  readonly partitions: number
}

/** Free disk without which no group is accepted: what two full journal files may need. */
const JOURNAL_RESERVE_BYTES = 64 * 2 ** 20
/**
 * Steps of a group from which on the next one waits a little: a durable write costs the same CPU
 * for few steps as for many, and in a crowd the next are about to come.
 */
const CROWD = 2
const GATHER_MS = 1
const META = 'meta'
const DATA_FILE = 'data.mdb'

/**
 * Opens the database in `path`, or creates it. Throws `data_locked`, `data_unreadable`,
 * `data_newer`, `partitions_differ` or `storage_full`. After a crash at any moment the next open
 * shows every acknowledged write, and each group wholly or not at all.
 */
export async function openLmdbStorage(options: LmdbStorageOptions): Promise<GroupCommitStorage> {
  const { path, partitions } = options
  let lock: DirectoryLock | undefined
  let environment: Environment | undefined
  let disk: Disk
  let storage: GroupCommitStorage | undefined
  const { onFailure } = options
  try {
    makeDirectory(path)
    if (!existsSync(join(path, DATA_FILE))) requireRoom(path, 0)
    lock = lockDirectory(path)
    requireSoundLmdbFile(join(path, DATA_FILE))
    environment = openEnvironment(path)
    await requireMeta(environment, path, partitions)
    const journal = Journal.open(path)
    // The files' names live in the directories: durable only after these flushes.
    for (const directory of [path, dirname(path)]) flushDirectory(directory)
    disk = await JournaledDisk.open(new LmdbDisk(environment, path, lock), journal, {
      requireRoom: () => requireRoom(path, JOURNAL_RESERVE_BYTES),
      onFailure: (error) => (storage === undefined ? onFailure?.(error) : storage.fail(error)),
    })
  } catch (error) {
    await environment?.close()
    lock?.release()
    throw await openError(error, path)
  }
  storage = new GroupCommitStorage(disk, {
    partitions,
    nextTurn: (steps) =>
      new Promise((resolve) => {
        if (steps < CROWD) setImmediate(resolve)
        else setTimeout(resolve, GATHER_MS)
      }),
    onFailure,
  })
  return storage
}

class LmdbDisk implements Disk {
  readonly #path: string
  readonly #lock: DirectoryLock
  readonly #environment: Environment

  constructor(environment: Environment, path: string, lock: DirectoryLock) {
    this.#environment = environment
    this.#path = path
    this.#lock = lock
  }

  encode(record: Json): StoredRecord {
    return { record, text: encodeRecord(record) }
  }

  read(place: string): Json | undefined {
    const text = this.#environment.get(place)
    return text === undefined ? undefined : this.#decode(place, text)
  }

  scan(prefix: string, after: string | undefined, limit: number): StoredEntry[] {
    const end = prefix + AFTER_ALL_KEYS
    const start = after ?? prefix
    const exclusiveStart = after !== undefined
    const found: StoredEntry[] = []
    for (const { key, value } of this.#environment.getRange({
      start,
      end,
      limit,
      exclusiveStart,
    })) {
      found.push({ key, record: this.#decode(key, value) })
    }
    return found
  }

  async write(changes: Changes): Promise<void> {
    try {
      requireRoom(this.#path, bytesToWrite(changes))
      await writeAtomically(this.#environment, changes)
    } catch (error) {
      throw error instanceof ShopError ? error : unavailable(this.#path, await causeOf(error))
    }
  }

  async close(): Promise<void> {
    await this.#environment.close()
    this.#lock.release()
  }

  #decode(place: string, text: string): Json {
    try {
      return JSON.parse(text)
    } catch (error) {
      throw new ShopError(
        'data_unreadable',
        `Record ${place} in ${this.#path} is not JSON. Restore the directory from a backup.`,
        error,
      )
    }
  }
}

/** Not `recursive: true`: Node 26 never returns from it below a directory like /proc. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  if (!existsSync(dirname(path))) makeDirectory(dirname(path))
  mkdirSync(path)
  flushDirectory(dirname(path))
}

function openEnvironment(path: string): Environment {
  return open<string, string>({
    path,
    // Else a dot in the last part of the path makes it a file's name.
    noSubdir: false,
    encoding: 'string',
    maxDbs: 1,
    // Else a promise resolves before the flush: what it acknowledged would not survive a power cut.
    overlappingSync: false,
    // Groups are made in group-commit.ts; these would only delay them or start them half-filled.
    eventTurnBatching: false,
    batchStartThreshold: Number.MAX_SAFE_INTEGER,
  } as Parameters<typeof open<string, string>>[0])
}

/** Nothing in the callback may throw: what was put before would be written all the same. */
async function writeAtomically(environment: Environment, changes: Changes): Promise<void> {
  await environment.batch(() => {
    for (const [place, change] of changes) {
      if (change === null) environment.remove(place)
      else environment.put(place, change.text)
    }
  })
}

async function requireMeta(
  environment: Environment,
  path: string,
  partitions: number,
): Promise<void> {
  const text = environment.get(META)
  if (text === undefined) {
    if (environment.getKeysCount({ limit: 1 }) > 0) throw new Error('it is not a database of Till')
    const meta: Meta = { format: DATA_FORMAT, partitions }
    await environment.put(META, JSON.stringify(meta))
    return
  }
  const meta = JSON.parse(text) as Meta
  if (meta.format > DATA_FORMAT) {
    throw new ShopError(
      'data_newer',
      `The data in ${path} has format ${meta.format}, written by a newer Till; this one reads ` +
        `up to ${DATA_FORMAT}. Start the newer Till, or set DATA to another directory.`,
    )
  }
  if (meta.partitions !== partitions) {
    throw new ShopError(
      'partitions_differ',
      `The data in ${path} was created with PARTITIONS=${meta.partitions}, which cannot change; ` +
        `the setting is PARTITIONS=${partitions}. Set PARTITIONS=${meta.partitions}, or set DATA ` +
        'to another directory.',
    )
  }
}

function flushDirectory(path: string): void {
  const directory = openSync(path, 'r')
  try {
    fsyncSync(directory)
  } finally {
    closeSync(directory)
  }
}

/** The library rejects with a stand-in, whose `commitError` rejects with the engine's own error. */
async function causeOf(error: unknown): Promise<unknown> {
  const { commitError } = error as { commitError?: Promise<never> }
  return commitError === undefined ? error : commitError.catch((cause: unknown) => cause)
}

const unavailable = (path: string, cause: unknown) =>
  new ShopError(
    'storage_unavailable',
    `The data in ${path} cannot be written: ${(cause as Error).message}. Check the disk, then ` +
      'restart the service.',
    cause,
  )

async function openError(error: unknown, path: string): Promise<ShopError> {
  if (error instanceof ShopError) return error
  const cause = await causeOf(error)
  if ((cause as NodeJS.ErrnoException).code === 'ENOSPC') return storageFull(path, cause)
  return new ShopError(
    'data_unreadable',
    `The data in ${path} cannot be opened: ${(cause as Error).message}. Let this user read and ` +
      'write the directory, restore it from a backup, or set DATA to another directory.',
    cause,
  )
}
