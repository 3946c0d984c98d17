/** Contract: batch_init of items, users and orders, also over records that checkouts are using. */
import assert from 'node:assert/strict'
import { checkShop } from './checker.ts'
import { promised } from './checker-answers.ts'
import { everyRecord } from './records.ts'
import type { RunningShop } from './running-shop.ts'
import { type Answer, type Shop, succeeded } from './shop.ts'
import { type Cases, eventually, inParallel, range, restWithinMs } from './suite.ts'

export const batchCases: Cases = {
  async 'records "0" to "n-1" are there, with their values'({ shop }) {
    await shop.initItems(20, 7, 3)
    await shop.initUsers(20, 50)
    await shop.initOrders(20, 20, 20, 3)
    for (const id of range(20).map(String)) {
      assert.deepEqual(await shop.findItem(id), { stock: 7, price: 3 })
      assert.deepEqual(await shop.findUser(id), { user_id: id, credit: 50 })
      const order = await shop.findOrder(id)
      assert.deepEqual([order.order_id, order.paid, order.total_cost], [id, false, 6])
      assert.equal(
        order.items.reduce((units, [, quantity]) => units + quantity, 0),
        2,
      )
      for (const known of [order.user_id, ...order.items.map(([item]) => item)]) {
        assert.match(known, /^1?\d$/, 'one of the twenty')
      }
    }
  },

  async 'users and items of orders are drawn at random'({ shop }) {
    await shop.initOrders(200, 1_000, 1_000, 1)
    const orders = await Promise.all(range(200).map((id) => shop.findOrder(String(id))))
    const items = orders.flatMap((order) => order.items.map(([item]) => item))
    assert.ok(new Set(orders.map((order) => order.user_id)).size > 100)
    assert.ok(new Set(items).size > 200)
  },

  async 'its orders can be checked out, added to and paid like any other'({ shop }) {
    await shop.initItems(5, 10, 3)
    await shop.initUsers(5, 50)
    await shop.initOrders(5, 5, 5, 3)
    succeeded(await shop.addItem('0', '1', 2))
    assert.equal((await shop.findOrder('0')).total_cost, 12)
    succeeded(await shop.checkout('0'))
    const { user_id } = await shop.findOrder('0')
    assert.equal((await shop.findUser(user_id)).credit, 38)
  },

  async 'it replaces what was there, paid orders included, and leaves other ids alone'({ shop }) {
    await shop.initItems(3, 10, 1)
    await shop.initUsers(3, 10)
    await shop.initOrders(3, 3, 3, 1)
    const [item, user] = [await shop.item(2, 2), await shop.user(2)]
    for (const id of ['0', '1', '2']) succeeded(await shop.checkout(id))
    await shop.initItems(2, 5, 4)
    await shop.initUsers(2, 6)
    await shop.initOrders(2, 2, 2, 4)
    for (const id of ['0', '1']) {
      assert.deepEqual(await shop.findItem(id), { stock: 5, price: 4 })
      assert.equal((await shop.findUser(id)).credit, 6)
      const order = await shop.findOrder(id)
      assert.deepEqual([order.paid, order.total_cost], [false, 8])
    }
    assert.equal((await shop.findOrder('2')).paid, true)
    assert.equal((await shop.findItem('2')).price, 1)
    assert.deepEqual(await shop.findItem(item), { stock: 2, price: 2 })
    assert.equal((await shop.findUser(user)).credit, 2)
  },

  async 'transactions open on replaced records end without touching the new ones'(running) {
    const { shop, records } = running
    for (let round = 0; round < rounds; round++) {
      const checkouts = await checkoutsUnderWay(shop)
      await Promise.all([shop.initItems(10, 77, 5), shop.initUsers(10, 88)])
      await ended(running, checkouts)
      for (const [id, { held, stock }] of await everyRecord(records, 'items')) {
        assert.equal(held, 0, `item ${id}`)
        if (id.length === 1) assert.ok(stock >= 0 && stock <= 77, `item ${id} has ${stock}`)
      }
      for (const [id, { held, credit }] of await everyRecord(records, 'users')) {
        assert.equal(held, 0, `user ${id}`)
        if (id.length === 1) assert.ok(credit >= 0 && credit <= 88, `user ${id} has ${credit}`)
      }
    }
  },

  async 'orders that are replaced while they are in checkout are those of the batch'(running) {
    const { shop, records } = running
    for (let round = 0; round < rounds; round++) {
      const checkouts = await checkoutsUnderWay(shop)
      await shop.initOrders(orderCount, 10, 10, 9)
      await ended(running, checkouts)
      // Units and credit for the replaced orders are gone with them: no order is paid by those.
      const differences = await checkShop(records)
      const ofOrders = differences.filter((difference) => difference.startsWith('order '))
      assert.deepEqual(ofOrders, [])
      await inParallel(16, range(orderCount).map(String), async (id) => {
        assert.equal((await shop.findOrder(id)).total_cost, 18)
        succeeded(await shop.checkout(id))
      })
    }
  },

  async 'other requests are answered while a large batch is written'({ shop }) {
    const [item, user] = [await shop.item(1, 1_000), await shop.user(1_000)]
    const orders = await inParallel(16, range(50), () => shop.order(user, [item, 1]))
    let isWritten = false
    const batch = shop.initItems(40_000, 1, 1).then(() => {
      isWritten = true
    })
    const answers = await inParallel(4, orders, async (order) => {
      succeeded(await shop.checkout(order))
      return isWritten
    })
    assert.ok(answers.includes(false), 'some were answered before the batch was')
    await batch
    assert.deepEqual(await shop.findItem('39999'), { stock: 1, price: 1 })
    assert.equal((await shop.findItem(item)).stock, 950)
  },
}

const orderCount = 60
const rounds = 3

/** Checkouts that have been sent, of orders made by batch_init like all that they need. */
async function checkoutsUnderWay(shop: Shop): Promise<readonly Promise<Answer>[]> {
  await shop.initItems(10, 1_000, 1)
  await shop.initUsers(10, 10_000)
  await shop.initOrders(orderCount, 10, 10, 1)
  return range(orderCount).map((id) => shop.checkout(String(id)))
}

/** Waits until all of them are answered and nothing is open. */
async function ended(
  { records }: RunningShop,
  checkouts: readonly Promise<Answer>[],
): Promise<void> {
  for (const { status, text } of await Promise.all(checkouts)) {
    assert.notEqual(promised(status), 'not known', text)
  }
  await eventually(restWithinMs, async () => (await records.open()).length === 0)
  assert.deepEqual(await records.open(), [])
}
