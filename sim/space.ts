/** The records of one partition of a simulated database, and what can be asked of them. */
import type { Json, ScanOptions, StoredEntry } from '../lib/storage/storage.ts'
import type { Write } from './change.ts'
import { runGroup, type Task } from './group.ts'

export type Space = Map<string, Json>

/** Whoever mutates a stored record finds out. */
export function frozen<T extends Json>(record: T): T {
  if (typeof record === 'object' && !Object.isFrozen(record)) {
    for (const value of Object.values(record)) {
      if (typeof value === 'object' && value !== null) frozen(value as Json)
    }
    Object.freeze(record)
  }
  return record
}

export function pageOf(space: Space, prefix: string, { after, limit }: ScanOptions): StoredEntry[] {
  const keys: string[] = []
  for (const key of space.keys()) {
    if (key.startsWith(prefix) && (after === undefined || key > after)) keys.push(key)
  }
  keys.sort()
  return keys.slice(0, limit).map((key) => ({ key, record: space.get(key)! }))
}

/** What a group would write now; nobody hears of it. */
export function writesOf(space: Space, tasks: readonly Task[]): Write[] {
  const read = (key: string) => space.get(key)
  const unheard = tasks.map((task) => ({ ...task, resolve: () => {}, reject: () => {} }))
  return [...runGroup(unheard, read).writes].map(([key, after]) => {
    return { key, before: read(key), after }
  })
}

/** So many at a time, as they are asked for. */
export function* chunksOf(
  entries: Iterable<StoredEntry>,
  size: number,
): Generator<readonly [string, Json][]> {
  let chunk: [string, Json][] = []
  for (const { key, record } of entries) {
    chunk.push([key, record])
    if (chunk.length < size) continue
    yield chunk
    chunk = []
  }
  if (chunk.length > 0) yield chunk
}
