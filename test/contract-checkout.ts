/** Contract: orders and their checkout, one request at a time, with exact figures after each. */
import assert from 'node:assert/strict'
import { refused, type Shop, succeeded } from './shop.ts'
import type { Cases } from './suite.ts'

const stockOf = async (shop: Shop, id: string) => (await shop.findItem(id)).stock
const creditOf = async (shop: Shop, id: string) => (await shop.findUser(id)).credit
const isPaid = async (shop: Shop, id: string) => (await shop.findOrder(id)).paid

export const checkoutCases: Cases = {
  async 'several items of different prices'({ shop }) {
    const items = [await shop.item(3, 10), await shop.item(5, 10), await shop.item(0, 10)] as const
    const user = await shop.user(100)
    const order = await shop.order(user, [items[0], 2], [items[1], 3], [items[2], 4])
    assert.equal((await shop.findOrder(order)).total_cost, 21)
    succeeded(await shop.checkout(order))
    assert.equal(await creditOf(shop, user), 79)
    assert.deepEqual(await Promise.all(items.map((id) => stockOf(shop, id))), [8, 7, 6])
    assert.equal(await isPaid(shop, order), true)
  },

  async 'the same item twice adds up to one line'({ shop }) {
    const item = await shop.item(4, 10)
    const user = await shop.user(40)
    const order = await shop.order(user, [item, 2], [item, 3])
    const found = await shop.findOrder(order)
    assert.deepEqual([found.items, found.total_cost], [[[item, 5]], 20])
    succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [5, 20])
  },

  async 'the same item twice cannot be oversold'({ shop }) {
    const item = await shop.item(1, 3)
    const user = await shop.user(40)
    const order = await shop.order(user, [item, 2], [item, 2])
    refused(await shop.checkout(order), 400, 'insufficient_stock')
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [3, 40])
  },

  async 'exactly enough stock and credit'({ shop }) {
    const item = await shop.item(5, 2)
    const user = await shop.user(10)
    succeeded(await shop.checkout(await shop.order(user, [item, 2])))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [0, 0])
  },

  async 'one unit short, then one credit short: nothing changed'({ shop }) {
    const item = await shop.item(5, 1)
    const user = await shop.user(10)
    const order = await shop.order(user, [item, 2])
    refused(await shop.checkout(order), 400, 'insufficient_stock')
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [1, 10])
    succeeded(await shop.addStock(item, 1))
    succeeded(await shop.pay(user, 1))
    refused(await shop.checkout(order), 400, 'insufficient_credit')
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [2, 9])
    assert.equal(await isPaid(shop, order), false)
  },

  async 'the last of five items is out of stock: the others are untouched at once'({ shop }) {
    const items = []
    for (const stock of [9, 9, 9, 9, 0]) items.push(await shop.item(1, stock))
    const user = await shop.user(40)
    const order = await shop.order(user, ...items.map((id) => [id, 1] as const))
    refused(await shop.checkout(order), 400, 'insufficient_stock')
    assert.deepEqual(await Promise.all(items.map((id) => stockOf(shop, id))), [9, 9, 9, 9, 0])
    assert.equal(await creditOf(shop, user), 40)
  },

  async 'a refused order can be checked out again at once, again and again'({ shop }) {
    const item = await shop.item(2, 5)
    const user = await shop.user(1)
    const order = await shop.order(user, [item, 1])
    for (let times = 0; times < 5; times++) {
      refused(await shop.checkout(order), 400, 'insufficient_credit')
      assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [5, 1])
    }
    succeeded(await shop.addFunds(user, 1))
    succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [4, 0])
  },

  async 'a refused order can be added to and then paid'({ shop }) {
    const item = await shop.item(2, 1)
    const user = await shop.user(10)
    const order = await shop.order(user, [item, 2])
    refused(await shop.checkout(order), 400, 'insufficient_stock')
    succeeded(await shop.addItem(order, item, 1))
    succeeded(await shop.addStock(item, 2))
    succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [0, 4])
  },

  async 'paid again is 200 and no second charge, also when nothing would be left'({ shop }) {
    const item = await shop.item(5, 1)
    const user = await shop.user(5)
    const order = await shop.order(user, [item, 1])
    for (let times = 0; times < 5; times++) succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [0, 0])
    succeeded(await shop.addStock(item, 7))
    succeeded(await shop.addFunds(user, 7))
    succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [7, 7])
    assert.equal(await isPaid(shop, order), true)
  },

  async 'nothing can be added to a paid order'({ shop }) {
    const item = await shop.item(1, 5)
    const user = await shop.user(5)
    const order = await shop.order(user, [item, 1])
    succeeded(await shop.checkout(order))
    const before = await shop.findOrder(order)
    refused(await shop.addItem(order, item, 1), 409, 'order_paid')
    assert.deepEqual(await shop.findOrder(order), before)
  },

  async 'an empty order is paid for nothing'({ shop }) {
    const user = await shop.user(5)
    const order = await shop.createOrder(user)
    succeeded(await shop.checkout(order))
    succeeded(await shop.checkout(order))
    assert.equal(await isPaid(shop, order), true)
    assert.equal(await creditOf(shop, user), 5)
    refused(await shop.addItem(order, await shop.item(1, 1), 1), 409, 'order_paid')
  },

  async 'the price is that of the moment of adding; stock that of the checkout'({ shop }) {
    const item = await shop.item(5, 10)
    const user = await shop.createUser()
    const order = await shop.order(user, [item, 2])
    succeeded(await shop.subtractStock(item, 9))
    succeeded(await shop.addFunds(user, 10))
    refused(await shop.checkout(order), 400, 'insufficient_stock')
    succeeded(await shop.addStock(item, 1))
    succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [0, 0])
  },

  async 'an item sold out: as many succeed as there are units'({ shop }) {
    const item = await shop.item(1, 3)
    for (const expected of [200, 200, 200, 400, 400]) {
      const order = await shop.order(await shop.user(1), [item, 1])
      assert.equal((await shop.checkout(order)).status, expected)
    }
    assert.equal(await stockOf(shop, item), 0)
  },

  async 'two orders of one user are both charged'({ shop }) {
    const item = await shop.item(3, 10)
    const user = await shop.user(10)
    const orders = [await shop.order(user, [item, 1]), await shop.order(user, [item, 2])]
    for (const order of orders) succeeded(await shop.checkout(order))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [7, 1])
  },

  async 'items without a price need no credit'({ shop }) {
    const item = await shop.item(0, 2)
    const user = await shop.createUser()
    succeeded(await shop.checkout(await shop.order(user, [item, 2])))
    assert.deepEqual([await stockOf(shop, item), await creditOf(shop, user)], [0, 0])
  },
}
