/** Concurrency: changes of records, alone and in the middle of checkouts that use them. */
import assert from 'node:assert/strict'
import { count, type Order, problemOf, type Shop, succeeded } from './shop.ts'
import { type Cases, inParallel, range } from './suite.ts'

const unitsOf = ({ items }: Order) =>
  Object.fromEntries(items.map(([item, quantity]) => [item, quantity]))

/** Answers that were refused say why with one of these codes. */
function assertRefusals(answers: readonly Parameters<typeof problemOf>[0][], ...codes: string[]) {
  for (const answer of answers) {
    if (answer.status !== 200) assert.ok(codes.includes(problemOf(answer)), answer.text)
  }
}

async function ordersOf(shop: Shop, user: string, item: string, many: number): Promise<string[]> {
  return inParallel(64, range(many), () => shop.order(user, [item, 1]))
}

export const changeRaces: Cases = {
  async 'concurrent addFunds and addStock all land'({ shop }) {
    const [item, user] = [await shop.item(1, 0), await shop.user(0)]
    await Promise.all(
      range(60).flatMap((index) => [
        shop.addFunds(user, index + 1).then(succeeded),
        shop.addStock(item, index + 1).then(succeeded),
      ]),
    )
    assert.equal((await shop.findUser(user)).credit, 1_830)
    assert.equal((await shop.findItem(item)).stock, 1_830)
  },

  async '5 clients pay 40 of 50: one; 100 pay 1 of 50: fifty; the same for units'({ shop }) {
    for (const [clients, amount, succeed] of [
      [5, 40, 1],
      [100, 1, 50],
    ] as const) {
      const [item, user] = [await shop.item(1, 50), await shop.user(50)]
      const paid = await Promise.all(range(clients).map(() => shop.pay(user, amount)))
      const taken = await Promise.all(range(clients).map(() => shop.subtractStock(item, amount)))
      assertRefusals(paid, 'insufficient_credit')
      assertRefusals(taken, 'insufficient_stock')
      assert.deepEqual([count(paid, 200), count(taken, 200)], [succeed, succeed])
      assert.equal((await shop.findUser(user)).credit, 50 - succeed * amount)
      assert.equal((await shop.findItem(item)).stock, 50 - succeed * amount)
    }
  },

  async 'paying while funds come in never goes below zero'({ shop }) {
    const user = await shop.user(0)
    const [added, paid] = await Promise.all([
      Promise.all(range(50).map(() => shop.addFunds(user, 1))),
      Promise.all(range(100).map(() => shop.pay(user, 1))),
    ])
    assert.equal(count(added, 200), 50)
    assertRefusals(paid, 'insufficient_credit')
    assert.equal((await shop.findUser(user)).credit, 50 - count(paid, 200))
  },

  async 'paying and checking out share one balance, to the last of it'({ shop }) {
    const [item, user] = [await shop.item(1, 100), await shop.user(40)]
    const orders = await ordersOf(shop, user, item, 40)
    const [checkouts, paid] = await Promise.all([
      Promise.all(orders.map((order) => shop.checkout(order))),
      Promise.all(range(40).map(() => shop.pay(user, 1))),
    ])
    assertRefusals([...checkouts, ...paid], 'insufficient_credit')
    assert.equal(count(checkouts, 200) + count(paid, 200), 40)
    assert.equal((await shop.findUser(user)).credit, 0)
    assert.equal((await shop.findItem(item)).stock, 100 - count(checkouts, 200))
  },

  async 'subtracting and checking out share one shelf, to the last of it'({ shop }) {
    const [item, user] = [await shop.item(1, 40), await shop.user(100)]
    const orders = await ordersOf(shop, user, item, 40)
    const [checkouts, taken] = await Promise.all([
      Promise.all(orders.map((order) => shop.checkout(order))),
      Promise.all(range(40).map(() => shop.subtractStock(item, 1))),
    ])
    assertRefusals([...checkouts, ...taken], 'insufficient_stock')
    assert.equal(count(checkouts, 200) + count(taken, 200), 40)
    assert.equal((await shop.findItem(item)).stock, 0)
    assert.equal((await shop.findUser(user)).credit, 100 - count(checkouts, 200))
  },

  async 'concurrent addItem on one order: every line and the total land'({ shop }) {
    const items = await inParallel(64, [1, 2, 3, 4], (price) => shop.item(price, 0))
    const order = await shop.createOrder(await shop.createUser())
    await Promise.all(
      range(60).map((index) => shop.addItem(order, items[index % 4]!, 2).then(succeeded)),
    )
    const found = await shop.findOrder(order)
    assert.equal(found.total_cost, 300)
    assert.deepEqual(unitsOf(found), Object.fromEntries(items.map((item) => [item, 30])))
  },

  async 'addItem during checkout: in the order and paid for, or refused'({ shop }) {
    await inParallel(16, range(40), async (index) => {
      const [first, second] = [await shop.item(1, 10), await shop.item(3, 10)]
      const user = await shop.user(10)
      const order = await shop.order(user, [first, 1])
      const add = () => shop.addItem(order, second, 1)
      const [checkout, added] =
        index % 2 === 0
          ? await Promise.all([shop.checkout(order), add()])
          : (await Promise.all([add(), shop.checkout(order)])).toReversed()
      succeeded(checkout!)
      assertRefusals([added!], 'order_paid', 'in_checkout')
      const found = await shop.findOrder(order)
      const isIn = added!.status === 200
      assert.deepEqual(unitsOf(found), isIn ? { [first]: 1, [second]: 1 } : { [first]: 1 })
      assert.equal(found.paid, true)
      assert.equal((await shop.findUser(user)).credit, isIn ? 6 : 9)
      assert.equal((await shop.findItem(second)).stock, isIn ? 9 : 10)
    })
  },

  async 'addItem during a checkout that is refused'({ shop }) {
    await inParallel(16, range(24), async () => {
      const [first, second] = [await shop.item(1, 10), await shop.item(3, 10)]
      const order = await shop.order(await shop.user(0), [first, 1])
      const [checkout, added] = await Promise.all([
        shop.checkout(order),
        shop.addItem(order, second, 1),
      ])
      assert.equal(problemOf(checkout), 'insufficient_credit')
      assertRefusals([added], 'in_checkout')
      const total = added.status === 200 ? 4 : 1
      assert.equal((await shop.findOrder(order)).total_cost, total)
      assert.equal((await shop.findItem(first)).stock, 10)
      assert.equal((await shop.findItem(second)).stock, 10)
    })
  },

  async 'answers never cross'({ shop }) {
    const users = await inParallel(64, range(20), (index) => shop.user(index + 1))
    const items = await inParallel(64, range(20), (price) => shop.item(price, price))
    await inParallel(64, range(160), async (index) => {
      const of = index % 20
      assert.equal((await shop.findUser(users[of]!)).credit, of + 1)
      assert.deepEqual(await shop.findItem(items[of]!), { price: of, stock: of })
    })
  },
}
