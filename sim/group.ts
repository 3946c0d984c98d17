/**
 * Runs steps over a simulated database: in order, over one overlay, for one atomic write. A step
 * that throws takes only its own draft with it. Unlike the product's groups (group-commit.ts) it
 * knows no disk, so that the simulator alone chooses when a write takes effect and who hears of it.
 */
import type { Draft, Json } from '../lib/storage/storage.ts'

/** Absent means deleted. */
export type Writes = Map<string, Json | undefined>

export interface Task {
  readonly keys: readonly string[]
  readonly step: (draft: Draft) => unknown
  resolve(result: never): void
  reject(error: unknown): void
}

export interface RunGroup {
  /** What the group writes, net. */
  readonly writes: Writes
  /** Tells every step's caller; to be called when the writes are durable. */
  settle(): void
}

/** Up to here a list is searched faster than a set is made. */
const shortList = 16

/**
 * Runs `tasks` in order; `read` gives what is durable. Steps see the writes of those before them.
 */
export function runGroup(
  tasks: readonly Task[],
  read: (key: string) => Json | undefined,
): RunGroup {
  const writes: Writes = new Map()
  const settled: (() => void)[] = []
  for (const task of tasks) {
    const own: Writes = new Map()
    const names = task.keys.length > shortList ? new Set(task.keys) : undefined
    const named = (key: string) => {
      if (names === undefined ? task.keys.includes(key) : names.has(key)) return
      throw new Error(`A step used a key that it had not named: ${key}`)
    }
    const draft: Draft = {
      get(key) {
        named(key)
        if (own.has(key)) return own.get(key) as never
        return (writes.has(key) ? writes.get(key) : read(key)) as never
      },
      put(key, record) {
        named(key)
        own.set(key, record)
      },
      delete(key) {
        named(key)
        own.set(key, undefined)
      },
    }
    try {
      const result = task.step(draft)
      for (const [key, record] of own) writes.set(key, record)
      settled.push(() => task.resolve(result as never))
    } catch (error) {
      settled.push(() => task.reject(error))
    }
  }
  return {
    writes,
    settle: () => {
      for (const each of settled) each()
    },
  }
}
