/** The memory adapter: the conformance suite, and its faults. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ShopError } from '../runtime/errors.ts'
import { PARTITIONS, storageConformance } from './conformance.ts'
import { MAX_WAITING_STEPS } from './group-commit.ts'
import { MemoryDisk, openMemoryStorage } from './memory.ts'

storageConformance('memory', {
  async openFresh() {
    const disk = new MemoryDisk()
    const storage = await openMemoryStorage({ partitions: PARTITIONS, disk })
    return {
      storage,
      reopen: () => openMemoryStorage({ partitions: PARTITIONS, disk }),
      writes: () => storage.stats.writes,
      dispose: () => storage.close(),
    }
  },
})

test('memory: whoever mutates a record throws, be it the giver or a reader', async () => {
  const storage = await openMemoryStorage({ partitions: 1 })
  const given = { held: { a: 1 } }
  await storage.transact(0, ['a'], (draft) => draft.put('a', given))
  const read = await storage.read<typeof given>(0, 'a')
  assert.throws(() => delete (given.held as { a?: number }).a, TypeError)
  assert.throws(() => Object.assign(read!.held, { b: 2 }), TypeError)
  const mutating = storage.transact(0, ['a'], (draft) => {
    draft.get<{ held: { a: number } }>('a')!.held.a = 2
  })
  await assert.rejects(mutating, TypeError)
})

test('memory: a full disk leaves nothing of the group, and the next one succeeds', async () => {
  let isFull = true
  const storage = await openMemoryStorage({
    partitions: 1,
    onFailure: (error) => assert.fail(`a full disk ended the storage: ${error}`),
    beforeWrite: async () => {
      if (isFull) throw new ShopError('storage_full', 'Full.')
    },
  })
  const put = (n: number) => storage.transact(0, ['a'], (draft) => draft.put('a', { n }))
  const refused = storage.transact(0, ['a'], (draft) => {
    throw new Error(`decided on what never became durable: ${draft.get('a')}`)
  })
  const results = await Promise.allSettled([put(1), put(2), refused])
  for (const result of results) {
    assert.equal(result.status === 'rejected' && result.reason.code, 'storage_full')
  }
  assert.equal(await storage.read(0, 'a'), undefined)
  isFull = false
  await put(3)
  assert.deepEqual(await storage.read(0, 'a'), { n: 3 })
})

test('memory: after any other failure nothing is answered any more', async () => {
  const failures: Error[] = []
  const storage = await openMemoryStorage({
    partitions: 1,
    onFailure: (error) => failures.push(error),
    beforeWrite: async () => {
      throw new Error('the disk is gone')
    },
  })
  const isUnavailable = { code: 'storage_unavailable' }
  const first = storage.transact(0, ['a'], (draft) => draft.put('a', {}))
  const loading = storage.load(0, [{ key: 'b', record: {} }])
  await Promise.all([assert.rejects(first, isUnavailable), assert.rejects(loading, isUnavailable)])
  await assert.rejects(storage.read(0, 'a'), isUnavailable)
  await assert.rejects(
    storage.transact(0, ['a'], () => 1),
    isUnavailable,
  )
  assert.equal(failures.length, 1)
  await storage.close()
})

test('memory: the queue of waiting steps has an end', async () => {
  const storage = await openMemoryStorage({ partitions: 1 })
  const waiting = Array.from({ length: MAX_WAITING_STEPS }, () =>
    storage.transact(0, [], () => true),
  )
  await assert.rejects(
    storage.transact(0, [], () => true),
    { code: 'overloaded' },
  )
  await Promise.all(waiting)
  assert.equal(await storage.transact(0, [], () => true), true)
})
