/** A direct subtract while checkouts hold the units: what a key remembers of it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLocalBus } from '../lib/bus/local.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { createLog } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { type ShopRequest, text } from '../lib/runtime/route.ts'
import { openMemoryStorage } from '../lib/storage/memory.ts'
import type { ItemRecord } from './item.ts'
import { itemKey, Stock } from './stock.ts'

const request = (idempotencyKey: string | undefined): ShopRequest => ({
  ...{ idempotencyKey, fingerprint: 'POST subtract' },
  ...{ parameters: {} as ShopRequest['parameters'], query: new Map() },
})

/** Time passes only while somebody sleeps. */
function sleepyClock() {
  let now = 0
  const sleep = async (ms: number) => {
    now += ms
  }
  return { ...systemClock, now: () => now, sleep }
}

async function opened() {
  const storage = await openMemoryStorage({ partitions: 1 })
  const write = (record: ItemRecord) =>
    storage.transact(0, [itemKey('a')], (draft) => draft.put(itemKey('a'), record))
  const bus = openLocalBus({ partitions: 1, onError: () => {} })
  const clock = sleepyClock()
  const ports = { storage, bus, clock, random: systemRandom }
  const service = new Stock({ ...ports, config: readConfig({}, {}), log: createLog('silent') })
  const close = async () => {
    service.close()
    await storage.close()
  }
  return { service, storage, clock, write, close }
}

const free: ItemRecord = { stock: 10, price: 1, held: 0, generation: 0 }

test('what is held to the end is busy, and stays so for the key alone', async () => {
  const { service, clock, write, close } = await opened()
  await write({ ...free, held: 8 })
  const refusal = await service.subtract(request('k'), 'a', 5)
  assert.equal(refusal.kind === 'problem' && refusal.code, 'busy')
  assert(clock.now() >= 1_000)
  await write(free)
  assert.deepEqual(await service.subtract(request('k'), 'a', 5), refusal)
  const other = { ...request('k'), fingerprint: 'POST another' }
  const reuse = await service.subtract(other, 'a', 5)
  assert.equal(reuse.kind === 'problem' && reuse.code, 'idempotency_key_reused')
  assert.deepEqual(await service.subtract(request('l'), 'a', 5), text('Item a has 5 units'))
  assert.deepEqual(await service.subtract(request(undefined), 'a', 2), text('Item a has 3 units'))
  await close()
})
