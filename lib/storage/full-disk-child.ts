/**
 * Runs on a file system of 160 MB, made by lmdb.test.ts: fills it, makes room, goes on.
 * Exits 0 when everything held; an assertion ends it otherwise.
 */
import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ShopError } from '../runtime/errors.ts'
import { openLmdbStorage } from './lmdb.ts'

const MOST_WRITES = 5_000
const BALLAST_BYTES = 24 * 2 ** 20
const directory = process.argv[2]!
const path = join(directory, 'data')
const ballast = join(directory, 'ballast')
writeFileSync(ballast, Buffer.alloc(BALLAST_BYTES))

const onFailure = (error: ShopError) => assert.fail(`a full disk ended the storage: ${error}`)
const options = { path, partitions: 1, onFailure }
let storage = await openLmdbStorage(options)
const record = { text: 'x'.repeat(10_000) }

let written = 0
const put = (key: string) => storage.transact(0, [key], (draft) => draft.put(key, record))
const isFull = { code: 'storage_full', message: /is full\. Make room/ }
try {
  for (; written < MOST_WRITES; written++) await put(`k:${written}`)
  assert.fail('the disk never became full')
} catch (error) {
  assert.equal((error as ShopError).code, 'storage_full', String(error))
}
// All of a group are refused, and nothing of it is there, in this process and after a restart.
const group = await Promise.allSettled([put('x:1'), put('x:2'), put('x:3')])
for (const result of group) {
  assert.equal(result.status === 'rejected' && result.reason.code, 'storage_full')
}
await assert.rejects(storage.load(0, [{ key: 'x:4', record }]), isFull)
const present = async () => (await storage.scan(0, '', { limit: MOST_WRITES })).length
assert.equal(await present(), written)
await storage.close()
storage = await openLmdbStorage(options)
assert.equal(await present(), written)
await assert.rejects(put('x:5'), isFull)

rmSync(ballast)
await Promise.all([put('y:1'), put('y:2')])
await storage.close()
storage = await openLmdbStorage(options)
assert.equal(await present(), written + 2)
assert.deepEqual(await storage.read(0, 'y:2'), record)
await storage.close()
