import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShopError } from '../runtime/errors.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import { loadBatch } from './batch.ts'

test('a batch that a full database stops half-way is not told as overloaded', async () => {
  const storage = await openMemoryStorage({ partitions: 2 })
  const load = storage.load.bind(storage)
  storage.load = (partition, entries) =>
    partition === 0
      ? load(partition, entries)
      : Promise.reject(new ShopError('overloaded', 'Too many steps wait.'))
  const loading = loadBatch(
    storage,
    10,
    (id) => `item:${id}`,
    (generation) => ({ generation }),
  )
  await assert.rejects(loading, { code: 'not_known_yet' })
  await storage.close()
})
