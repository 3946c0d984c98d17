/**
 * batch_init: replaces the records "0".."n-1" in bulk. Each batch has a generation of its own,
 * taken durably before the first record is written, so that transactions which are still open on
 * the old records end without touching the new ones.
 */
import { afterTheStart } from '../runtime/errors.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Json, Storage, StoredEntry } from '../storage/storage.ts'

const generationKey = 'generation'

/** A number that no batch had before; records made one by one have generation 0. */
function nextGeneration(storage: Storage): Promise<number> {
  return storage.transact(0, [generationKey], (draft) => {
    const next = (draft.get<number>(generationKey) ?? 0) + 1
    draft.put(generationKey, next)
    return next
  })
}

/**
 * Durable when it resolves; after a crash in it, some records are new and some old: run it again.
 */
export async function loadBatch(
  storage: Storage,
  count: number,
  recordKey: (id: string) => string,
  make: (generation: number) => Json,
): Promise<void> {
  const generation = await nextGeneration(storage)
  const { partitions } = storage
  function* entries(partition: number): Iterable<StoredEntry> {
    for (let index = 0; index < count; index++) {
      const id = String(index)
      if (partitionOf(id, partitions) !== partition) continue
      yield { key: recordKey(id), record: make(generation) }
    }
  }
  for (let partition = 0; partition < partitions; partition++) {
    await storage.load(partition, entries(partition)).catch((error: unknown) => {
      throw afterTheStart(error)
    })
  }
}
