/**
 * Contract: numbers. What is not a whole number in range is 400; sums stay exact or are refused.
 */
import assert from 'node:assert/strict'
import { refused, type Shop, succeeded } from './shop.ts'
import type { Cases } from './suite.ts'

const largest = Number.MAX_SAFE_INTEGER
const beyond = '9007199254740992'
const notWhole = ['-1', '1.5', '1.0', '1e3', 'abc', 'NaN', 'Infinity', '0x10', '%201', '+1', '01']

async function known(shop: Shop) {
  const [item, user] = [await shop.item(3, 10), await shop.user(10)]
  return { item, user, order: await shop.order(user, [item, 1]) }
}

type Known = Awaited<ReturnType<typeof known>>

/** Every place where an amount is wanted, from 1 on. */
const amounts = (n: string, { item, user, order }: Known) => [
  `/stock/add/${item}/${n}`,
  `/stock/subtract/${item}/${n}`,
  `/payment/add_funds/${user}/${n}`,
  `/payment/pay/${user}/${n}`,
  `/orders/addItem/${order}/${item}/${n}`,
]

/** Every place where a count is wanted, from 0 on. */
const counts = (n: string) => [
  `/stock/item/create/${n}`,
  `/stock/batch_init/1/${n}/1`,
  `/stock/batch_init/1/1/${n}`,
  `/payment/batch_init/1/${n}`,
  `/orders/batch_init/1/1/1/${n}`,
]

/** Every place where a number of records is wanted, from 1 on. */
const sizes = (n: string) => [
  `/stock/batch_init/${n}/1/1`,
  `/payment/batch_init/${n}/1`,
  `/orders/batch_init/${n}/1/1/1`,
  `/orders/batch_init/1/${n}/1/1`,
  `/orders/batch_init/1/1/${n}/1`,
]

async function unchanged(shop: Shop, { item, user, order }: Known): Promise<void> {
  assert.deepEqual(await shop.findItem(item), { stock: 10, price: 3 })
  assert.equal((await shop.findUser(user)).credit, 10)
  assert.equal((await shop.findOrder(order)).total_cost, 3)
}

export const numberCases: Cases = {
  async 'amounts that are no whole numbers from 1 on are 400 and change nothing'({ shop }) {
    const records = await known(shop)
    for (const n of ['0', beyond, '9'.repeat(40), ...notWhole]) {
      for (const path of amounts(n, records)) refused(await shop.post(path), 400, 'invalid_request')
    }
    await unchanged(shop, records)
  },

  async 'counts that are no whole numbers from 0 on are 400'({ shop }) {
    for (const n of [beyond, '9'.repeat(40), ...notWhole]) {
      for (const path of counts(n)) refused(await shop.post(path), 400, 'invalid_request')
    }
  },

  async 'a batch of nothing, or of more than is allowed, is 400'({ shop }) {
    for (const n of ['0', beyond, '1000000001', ...notWhole]) {
      for (const path of sizes(n)) refused(await shop.post(path), 400, 'invalid_request')
    }
  },

  async 'the largest credit is exact, and one more is refused'({ shop }) {
    const user = await shop.user(largest)
    assert.equal((await shop.findUser(user)).credit, largest)
    refused(await shop.addFunds(user, 1), 400, 'overflow')
    assert.equal((await shop.findUser(user)).credit, largest)
    succeeded(await shop.pay(user, largest - 1))
    assert.equal((await shop.findUser(user)).credit, 1)
    refused(await shop.addFunds(user, largest), 400, 'overflow')
    succeeded(await shop.addFunds(user, 12_345_678))
    assert.equal((await shop.findUser(user)).credit, 12_345_679)
  },

  async 'the most units are exact, and one more is refused'({ shop }) {
    const item = await shop.item(1, largest)
    refused(await shop.addStock(item, 1), 400, 'overflow')
    assert.equal((await shop.findItem(item)).stock, largest)
    succeeded(await shop.subtractStock(item, largest))
    assert.equal((await shop.findItem(item)).stock, 0)
  },

  async 'quantities and totals of an order stay exact or are refused'({ shop }) {
    const user = await shop.createUser()
    const cheap = await shop.item(0, 0)
    const dear = await shop.item(largest, 0)
    const order = await shop.order(user, [cheap, largest], [dear, 1])
    refused(await shop.addItem(order, cheap, 1), 400, 'overflow')
    refused(await shop.addItem(order, dear, 1), 400, 'overflow')
    const half = await shop.item((largest + 1) / 2, 0)
    refused(await shop.addItem(order, half, 2), 400, 'overflow')
    const found = await shop.findOrder(order)
    assert.equal(found.total_cost, largest)
    assert.deepEqual(found.items, [
      [cheap, largest],
      [dear, 1],
    ])
    refused(await shop.post(`/orders/batch_init/1/1/1/${largest}`), 400, 'overflow')
  },

  async 'an order worth the largest number is paid with the largest credit'({ shop }) {
    const item = await shop.item(1, largest)
    const user = await shop.user(largest)
    const order = await shop.order(user, [item, largest])
    succeeded(await shop.checkout(order))
    assert.equal((await shop.findUser(user)).credit, 0)
    assert.equal((await shop.findItem(item)).stock, 0)
  },

  async 'too much is refused and changes nothing; exactly enough is not'({ shop }) {
    const { item, user } = await known(shop)
    refused(await shop.subtractStock(item, 11), 400, 'insufficient_stock')
    refused(await shop.pay(user, 11), 400, 'insufficient_credit')
    assert.equal((await shop.findItem(item)).stock, 10)
    assert.equal((await shop.findUser(user)).credit, 10)
    succeeded(await shop.subtractStock(item, 10))
    succeeded(await shop.pay(user, 10))
    assert.equal((await shop.findItem(item)).stock, 0)
    assert.equal((await shop.findUser(user)).credit, 0)
  },
}
