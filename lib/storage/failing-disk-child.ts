/**
 * Runs under a limit of its files' size, set by lmdb.test.ts: writes, and prints the key of each
 * acknowledged write, until one fails; then checks that the storage refuses everything. Exits 0.
 */
import assert from 'node:assert/strict'
import { writeSync } from 'node:fs'
import type { ShopError } from '../runtime/errors.ts'
import { openLmdbStorage } from './lmdb.ts'

const MOST_WRITES = 10_000
const failures: ShopError[] = []
const storage = await openLmdbStorage({
  path: process.argv[2]!,
  partitions: 1,
  onFailure: (error) => failures.push(error),
})
const record = { text: 'x'.repeat(10_000) }
const isUnavailable = { code: 'storage_unavailable' }

for (let n = 0; failures.length === 0 && n < MOST_WRITES; n++) {
  const key = `k:${n}`
  try {
    await storage.transact(0, [key], (draft) => draft.put(key, record))
    writeSync(1, `${key}\n`)
  } catch (error) {
    assert.equal((error as ShopError).code, isUnavailable.code)
  }
}
assert.equal(failures[0]?.code, isUnavailable.code)
await assert.rejects(storage.read(0, 'k:0'), isUnavailable)
await assert.rejects(
  storage.transact(0, ['k:0'], () => 1),
  isUnavailable,
)
await storage.close()
