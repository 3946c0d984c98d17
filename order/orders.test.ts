/** addItem with an Idempotency-Key while stock tells a price, knows no such item, or is away. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openLocalBus } from '../lib/bus/local.ts'
import type { Asker } from '../lib/engine/asker.ts'
import { Idempotency } from '../lib/engine/idempotency.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { createLog } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { json, problem, type ShopRequest, text } from '../lib/runtime/route.ts'
import { openMemoryStorage } from '../lib/storage/memory.ts'
import { Orders } from './orders.ts'

const asked = (idempotencyKey: string | undefined, fingerprint = 'POST one'): ShopRequest => ({
  ...{ idempotencyKey, fingerprint },
  ...{ parameters: {} as ShopRequest['parameters'], query: new Map() },
})

async function opened() {
  const storage = await openMemoryStorage({ partitions: 3 })
  const config = readConfig({}, {})
  const bus = openLocalBus({ partitions: 3, onError: () => {} })
  const ports = { storage, bus, config, clock: systemClock, random: systemRandom }
  const stock = { price: undefined as number | undefined, isAway: false }
  const ask = async () => {
    if (stock.isAway) throw new ShopError('not_known_yet', 'No answer came in time.')
    return { kind: 'priced', price: stock.price }
  }
  const all = { ...ports, log: createLog('silent'), asker: { ask } as unknown as Asker }
  const idempotency = new Idempotency(all)
  const orders = new Orders({ ...all, idempotency })
  const made = await orders.create(asked(undefined), 'u')
  assert(made.kind === 'json')
  const close = async () => {
    idempotency.close()
    await storage.close()
  }
  return { orders, stock, id: (made.body as { order_id: string }).order_id, close }
}

// Keys of each partition: where the key's home is not the order's, its answer is with the order.
const keys = [...'abcdefgh']

test('a stored answer is repeated while stock is away', async () => {
  const { orders, stock, id, close } = await opened()
  stock.price = 2
  for (const [n, key] of keys.entries()) {
    const answer = text(`Order ${id} costs ${2 * (n + 1)}`)
    stock.isAway = false
    assert.deepEqual(await orders.addItem(asked(key), id, 'i', 1), answer)
    stock.isAway = true
    assert.deepEqual(await orders.addItem(asked(key), id, 'i', 1), answer)
    await assert.rejects(orders.addItem(asked(undefined), id, 'i', 1), { code: 'not_known_yet' })
  }
  await close()
})

test('unknown_item is remembered for the key; what is not known is not', async () => {
  const { orders, stock, id, close } = await opened()
  const unknown = problem('unknown_item', 'There is no item i.')
  for (const key of keys) {
    Object.assign(stock, { price: undefined, isAway: true })
    await assert.rejects(orders.addItem(asked(key), id, 'i', 1), { code: 'not_known_yet' })
    stock.isAway = false
    assert.deepEqual(await orders.addItem(asked(key), id, 'i', 1), unknown)
    stock.price = 1
    assert.deepEqual(await orders.addItem(asked(key), id, 'i', 1), unknown)
    const reuse = await orders.addItem(asked(key, 'POST another'), id, 'j', 1)
    assert(reuse.kind === 'problem' && reuse.code === 'idempotency_key_reused')
  }
  const found = await orders.find(id)
  assert(found.kind === 'json')
  assert.deepEqual(found, json({ ...found.body, items: [], total_cost: 0 }))
  await close()
})
