/**
 * Storage in memory, for tests: the same groups as the durable adapters, nothing outlives the process.
 * Records are frozen deeply when they are put, so that whoever mutates one finds out.
 */
import { ShopError } from '../runtime/errors.ts'
import { runGroup, type Task } from './group.ts'
import type { Json, Storage, StoredEntry } from './storage.ts'

export function openMemoryStorage({ partitions }: { readonly partitions: number }): Storage {
  const spaces = Array.from({ length: partitions }, () => new Map<string, Json>())
  const queues: Task[][] = spaces.map(() => [])
  let isClosed = false

  const space = (partition: number): Map<string, Json> => {
    const found = spaces[partition]
    if (isClosed) throw new ShopError('storage_closed', 'The storage is closed.')
    if (found === undefined) throw new ShopError('internal', `There is no partition ${partition}.`)
    return found
  }

  const run = (partition: number) => {
    const records = spaces[partition]!
    const group = runGroup(queues[partition]!.splice(0), (key) => records.get(key))
    for (const [key, record] of group.writes) {
      if (record === undefined) records.delete(key)
      else records.set(key, frozen(record))
    }
    group.settle()
  }

  return {
    partitions,
    async transact(partition, keys, step) {
      space(partition)
      return new Promise((resolve, reject) => {
        queues[partition]!.push({ keys, step, resolve, reject })
        if (queues[partition]!.length === 1) setImmediate(run, partition)
      })
    },
    async read<R extends Json>(partition: number, key: string) {
      return space(partition).get(key) as R | undefined
    },
    async scan(partition, prefix, { after, limit }): Promise<readonly StoredEntry[]> {
      return [...space(partition)]
        .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([key, record]) => ({ key, record }))
    },
    async load(partition, entries) {
      for (const { key, record } of entries) space(partition).set(key, frozen(record))
    },
    async close() {
      isClosed = true
      for (const partition of spaces.keys()) run(partition)
    },
  }
}

function frozen<T extends Json>(record: T): T {
  if (typeof record === 'object') {
    for (const value of Object.values(record)) if (value !== null) frozen(value as Json)
    Object.freeze(record)
  }
  return record
}
