/** The classic walks through stock, payment and order, with the exact figures after each step. */
import assert from 'node:assert/strict'
import type { RunningShop } from './running-shop.ts'
import { problemOf, refused, succeeded } from './shop.ts'
import { assertSound, type Cases, suite } from './suite.ts'

const walks: Cases = {
  async stock({ shop }) {
    const item = await shop.createItem(5)
    assert.deepEqual(await shop.findItem(item), { price: 5, stock: 0 })
    succeeded(await shop.addStock(item, 50))
    assert.deepEqual(await shop.findItem(item), { price: 5, stock: 50 })
    refused(await shop.subtractStock(item, 200), 400, 'insufficient_stock')
    assert.deepEqual(await shop.findItem(item), { price: 5, stock: 50 })
    succeeded(await shop.subtractStock(item, 15))
    assert.deepEqual(await shop.findItem(item), { price: 5, stock: 35 })
  },

  async payment({ shop }) {
    const user = await shop.createUser()
    succeeded(await shop.addFunds(user, 15))
    assert.equal((await shop.findUser(user)).credit, 15)
    const item = await shop.item(5, 15)
    const order = await shop.createOrder(user)
    for (const total of [5, 10, 15]) {
      succeeded(await shop.addItem(order, item, 1))
      assert.equal((await shop.findOrder(order)).total_cost, total)
    }
    succeeded(await shop.pay(user, 10))
    assert.equal((await shop.findUser(user)).credit, 5)
    refused(await shop.checkout(order), 400, 'insufficient_credit')
    assert.equal((await shop.findUser(user)).credit, 5)
    assert.equal((await shop.findItem(item)).stock, 15)
  },

  async order({ shop }) {
    const user = await shop.createUser()
    const order = await shop.createOrder(user)
    const [first, second] = [await shop.item(5, 15), await shop.item(5, 1)]
    const stocks = async () => [
      (await shop.findItem(first)).stock,
      (await shop.findItem(second)).stock,
    ]
    succeeded(await shop.addItem(order, first, 1))
    succeeded(await shop.addItem(order, second, 1))
    succeeded(await shop.subtractStock(second, 1))
    // Both are short by now, and either may be told.
    assert.match(problemOf(await shop.checkout(order)), /^insufficient_(stock|credit)$/)
    assert.deepEqual(await stocks(), [15, 0])
    succeeded(await shop.addStock(second, 15))
    refused(await shop.checkout(order), 400, 'insufficient_credit')
    assert.deepEqual(await stocks(), [15, 15])
    assert.equal((await shop.findUser(user)).credit, 0)
    succeeded(await shop.addFunds(user, 15))
    succeeded(await shop.checkout(order))
    assert.deepEqual(await stocks(), [14, 14])
    assert.equal((await shop.findUser(user)).credit, 5)
    assert.equal((await shop.findOrder(order)).paid, true)
  },
}

export function microservicesSuite(name: string, start: () => Promise<RunningShop>): void {
  suite(name, { start, end: (running) => assertSound(running) }, walks)
}
