/**
 * Storage on LMDB: one environment per service, all its partitions in it. The embedded default.
 *
 * Promise: what storage.ts says. Steps run on the main thread over what is durable; their net writes
 * go to LMDB's write thread as one transaction (all writes of one event turn are one), and promises
 * resolve after the flush (`overlappingSync: false`; with the default they resolve before it). One
 * group is in flight at a time, so a step never sees what could still be lost.
 */
import { accessSync, constants, existsSync } from 'node:fs'
import { type Database, open, type RootDatabase } from 'lmdb'
import { ShopError } from '../runtime/errors.ts'
import { runGroup, type Task } from './group.ts'
import type { Json, ScanOptions, Storage, StoredEntry } from './storage.ts'

export interface LmdbOptions {
  readonly path: string
  readonly partitions: number
  /** The disk no longer takes writes: what was not acknowledged is lost, and so will the next be. */
  onFailure?(error: ShopError): void
}

export interface LmdbStorage extends Storage {
  /** Steps run, and durable writes that carried them. */
  readonly stats: { steps: number; writes: number }
}

interface Meta {
  readonly format: number
  readonly partitions: number
}

const format = 1
/** Steps of one group; more wait for the next. */
const groupLimit = 4_096
/** Records of one chunk of `load`, which is one atomic write. */
const loadChunk = 2_000
/** Address space, not memory or disk; LMDB grows the file as needed up to this. */
const mapBytes = 1024 ** 4

/** Throws ShopError with a sentence that says what to do; nothing is changed then. */
export function openLmdbStorage(options: LmdbOptions): LmdbStorage {
  const { path, partitions, onFailure } = options
  const root = openRoot(path)
  checkMeta(root, path, partitions)
  const records: Database<string, string> = root.openDB({ name: 'records', encoding: 'string' })
  const stats = { steps: 0, writes: 0 }
  const queue: Task[] = []
  let running: Promise<void> | undefined
  let isClosed = false

  const placed = (partition: number, key: string) => `${partition}/${key}`
  const read = (key: string): Json | undefined => {
    const text = records.get(key)
    return text === undefined ? undefined : JSON.parse(text)
  }

  const write = async (writes: ReadonlyMap<string, Json | undefined>): Promise<void> => {
    if (writes.size === 0) return
    const done = new Set<Promise<unknown>>()
    for (const [key, record] of writes) {
      done.add(
        record === undefined ? records.remove(key) : records.put(key, JSON.stringify(record)),
      )
    }
    stats.writes++
    try {
      await Promise.all(done)
    } catch (error) {
      throw await failureOf(path, error)
    } finally {
      root.resetReadTxn()
    }
  }

  const run = async (): Promise<void> => {
    while (queue.length > 0) {
      const tasks = queue.splice(0, groupLimit)
      stats.steps += tasks.length
      const group = runGroup(tasks, read)
      try {
        await write(group.writes)
        group.settle()
      } catch (error) {
        for (const task of tasks) task.reject(error)
        onFailure?.(error as ShopError)
      }
    }
  }

  const schedule = () => {
    running ??= new Promise<void>((resolve) => setImmediate(resolve)).then(run).finally(() => {
      running = undefined
      if (queue.length > 0) schedule()
    })
  }

  const transact: Storage['transact'] = (partition, keys, step) => {
    if (isClosed) return Promise.reject(closed(path))
    const names = keys.map((key) => placed(partition, key))
    const prefix = placed(partition, '')
    return new Promise((resolve, reject) => {
      queue.push({
        keys: names,
        step: (draft) =>
          step({
            get: (key) => draft.get(prefix + key),
            put: (key, record) => draft.put(prefix + key, record),
            delete: (key) => draft.delete(prefix + key),
          }),
        resolve,
        reject,
      })
      schedule()
    })
  }

  const scan = async (
    partition: number,
    prefix: string,
    { after, limit }: ScanOptions,
  ): Promise<readonly StoredEntry[]> => {
    if (isClosed) throw closed(path)
    const found: StoredEntry[] = []
    const range = records.getRange({
      start: placed(partition, after ?? prefix),
      end: `${placed(partition, prefix)}\uffff`,
      limit: limit + 1,
      snapshot: false,
    })
    const cut = placed(partition, '').length
    for (const { key, value } of range) {
      const name = key.slice(cut)
      if (name !== after && found.length < limit)
        found.push({ key: name, record: JSON.parse(value) })
    }
    return found
  }

  return {
    partitions,
    stats,
    transact,
    scan,
    async read<R extends Json>(partition: number, key: string) {
      if (isClosed) throw closed(path)
      return read(placed(partition, key)) as R | undefined
    },
    async load(partition, entries) {
      let chunk: StoredEntry[] = []
      for (const entry of entries) {
        chunk.push(entry)
        if (chunk.length < loadChunk) continue
        await loadOnce(partition, chunk)
        chunk = []
      }
      if (chunk.length > 0) await loadOnce(partition, chunk)
    },
    async close() {
      if (isClosed) return
      isClosed = true
      while (running !== undefined) await running
      await root.close()
    },
  }

  /** A chunk takes its turn among the groups, as a step that names its keys. */
  function loadOnce(partition: number, entries: readonly StoredEntry[]): Promise<void> {
    const keys = entries.map(({ key }) => key)
    return transact(partition, keys, (draft) => {
      for (const { key, record } of entries) draft.put(key, record)
    })
  }
}

function openRoot(path: string): RootDatabase<Meta, string> {
  try {
    if (existsSync(path)) accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK)
    return open<Meta, string>({
      path,
      encoding: 'json',
      overlappingSync: false,
      mapSize: mapBytes,
      maxDbs: 4,
    })
  } catch (error) {
    const sentence =
      `The database in ${path} cannot be opened (${messageOf(error)}). ` +
      'Check that it is a directory that this user may read and write, or choose another with DATA.'
    throw new ShopError('data_unreadable', sentence, error)
  }
}

function checkMeta(root: RootDatabase<Meta, string>, path: string, partitions: number): void {
  const meta = root.get('meta')
  if (meta === undefined) {
    root.putSync('meta', { format, partitions })
    return
  }
  const failure =
    meta.format > format
      ? new ShopError(
          'data_newer',
          `The data in ${path} was written by a newer Till (format ${meta.format}, this one knows ` +
            `${format}). Start that version, or choose another directory with DATA.`,
        )
      : meta.partitions !== partitions
        ? new ShopError(
            'partitions_differ',
            `The data in ${path} was created with PARTITIONS=${meta.partitions}, not ${partitions}. ` +
              `Set PARTITIONS=${meta.partitions}, or choose another directory with DATA.`,
          )
        : undefined
  if (failure === undefined) return
  void root.close()
  throw failure
}

const closed = (path: string) =>
  new ShopError('storage_closed', `The database in ${path} is closed; the shop is stopping.`)

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))

/** LMDB tells why a commit failed in a second promise of the error. */
async function failureOf(path: string, error: unknown): Promise<ShopError> {
  const detailed = (error as { commitError?: Promise<unknown> }).commitError
  const cause = detailed === undefined ? error : await detailed.catch((reason: unknown) => reason)
  const message = messageOf(cause)
  if (/space|MAP_FULL|MDB_MAP_FULL|quota|too large/i.test(message)) {
    const sentence = `No space is left for the database in ${path}: make room, then start again.`
    return new ShopError('storage_full', sentence, cause)
  }
  const sentence = `The database in ${path} cannot be written (${message}). Check its disk, then start again.`
  return new ShopError('storage_unavailable', sentence, cause)
}
