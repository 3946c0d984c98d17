/**
 * Storage in memory, for tests and simulation. Groups like the others do: all steps of one turn of
 * the microtask queue are one write. Uses neither timers nor the disk, so a simulated run repeats.
 *
 * A MemoryDisk is what survives: open a second storage on it to "restart". Every record that goes
 * in or out is frozen to its depth, so that whoever mutates one throws at once.
 * Next: group-commit.ts, which does the work.
 */
import { type Disk, GroupCommitStorage } from './group-commit.ts'
import { type Changes, encodeRecord, type StoredRecord } from './step.ts'
import type { Json, StoredEntry } from './storage.ts'

export interface MemoryStorageOptions {
  readonly partitions: number
  /** Open on what an earlier storage has left; a new, empty disk if there is none. */
  readonly disk?: MemoryDisk | undefined
  /** Awaited before each write: delays it, or fails it by throwing, as a disk would. */
  readonly beforeWrite?: (() => Promise<void>) | undefined
  readonly onFailure?: ((error: Error) => void) | undefined
}

/** What a MemoryStorage has made durable; holds it for as long as the disk itself is referenced. */
export class MemoryDisk {
  readonly records = new Map<string, Json>()
}

/** Durable means: on its disk. A storage that is dropped without `close` is a crash. */
export async function openMemoryStorage(
  options: MemoryStorageOptions,
): Promise<GroupCommitStorage> {
  const disk = new MemoryEngine(options.disk ?? new MemoryDisk(), options.beforeWrite)
  return new GroupCommitStorage(disk, {
    partitions: options.partitions,
    nextTurn: async () => {},
    onFailure: options.onFailure,
  })
}

class MemoryEngine implements Disk {
  readonly #records: Map<string, Json>
  readonly #beforeWrite: (() => Promise<void>) | undefined

  constructor(disk: MemoryDisk, beforeWrite: (() => Promise<void>) | undefined) {
    this.#records = disk.records
    this.#beforeWrite = beforeWrite
  }

  encode(record: Json): StoredRecord {
    const text = encodeRecord(record)
    deepFreeze(record)
    return { record: deepFreeze(JSON.parse(text)), text }
  }

  read(place: string): Json | undefined {
    return this.#records.get(place)
  }

  scan(prefix: string, after: string | undefined, limit: number): StoredEntry[] {
    const inRange = (place: string) =>
      place.startsWith(prefix) && (after === undefined || place > after)
    const places = [...this.#records.keys()].filter(inRange).sort().slice(0, limit)
    return places.map((key) => ({ key, record: this.#records.get(key)! }))
  }

  async write(changes: Changes): Promise<void> {
    await this.#beforeWrite?.()
    for (const [place, change] of changes) {
      if (change === null) this.#records.delete(place)
      else this.#records.set(place, change.record)
    }
  }

  async close(): Promise<void> {}
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value)
    for (const inner of Object.values(value)) deepFreeze(inner)
  }
  return value
}
