/** Concurrency: checkouts that want the same units, the same credit, the same order. */
import assert from 'node:assert/strict'
import { everyRecord } from './records.ts'
import { count, problemOf, type Shop, succeeded } from './shop.ts'
import { type Cases, inParallel, range } from './suite.ts'

/** Users with credit, an item, and one order for each of them; checked out all at once. */
async function race(
  shop: Shop,
  {
    users,
    units,
    stock,
    credit = units,
  }: Record<'users' | 'units' | 'stock', number> & {
    credit?: number
  },
) {
  const item = await shop.item(1, stock)
  const ids = await inParallel(64, range(users), () => shop.user(credit))
  const orders = await inParallel(64, ids, (user) => shop.order(user, [item, units]))
  const answers = await Promise.all(orders.map((order) => shop.checkout(order)))
  return { item, users: ids, orders, answers }
}

type Race = Awaited<ReturnType<typeof race>>

/** Every answer is 200 or a refusal, and the figures are those of the answers. */
async function assertSold(shop: Shop, sold: number, raced: Race, stock: number, units: number) {
  const { item, users, orders, answers } = raced
  for (const answer of answers) {
    if (answer.status !== 200) assert.equal(problemOf(answer), 'insufficient_stock', answer.text)
  }
  assert.equal(count(answers, 200), sold)
  assert.equal((await shop.findItem(item)).stock, stock - sold * units)
  await inParallel(64, answers, async ({ status }, index) => {
    const [user, order] = await Promise.all([
      shop.findUser(users[index]!),
      shop.findOrder(orders[index]!),
    ])
    assert.deepEqual([order.paid, user.credit], status === 200 ? [true, 0] : [false, units])
  })
}

/** Those that show most when messages are lost or repeated. */
export const hotRaces: Cases = {
  async '200 orders of one item: all, and none is put off with a 5xx'({ shop }) {
    await assertSold(shop, 200, await race(shop, { users: 200, units: 1, stock: 200 }), 200, 1)
  },

  async '50 and 100 clients on one order: one charge and equal answers'({ shop, records }) {
    for (const clients of [50, 100]) {
      const item = await shop.item(2, 500)
      const user = await shop.user(500)
      const order = await shop.order(user, [item, 1])
      const answers = await Promise.all(range(clients).map(() => shop.checkout(order)))
      assert.equal(count(answers, 200), clients)
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1)
      assert.equal((await shop.findUser(user)).credit, 498)
      assert.equal((await shop.findItem(item)).stock, 499)
      const branches = [...(await everyRecord(records, 'paymentBranches')).values()]
      const debits = branches.filter(
        ({ state, entries }) =>
          entries[0]?.id === user && (state === 'committed' || state === 'executed'),
      )
      assert.equal(debits.length, 1)
    }
  },

  async 'an answer can be read back at once: orders, units and credit'({ shop }) {
    await inParallel(64, range(60), async (index) => {
      const stock = index % 3 === 1 ? 0 : 1
      const credit = index % 3 === 2 ? 4 : 5
      const [item, user] = [await shop.item(5, stock), await shop.user(credit)]
      const order = await shop.order(user, [item, 1])
      const isPaid = (await shop.checkout(order)).status === 200
      assert.equal(isPaid, stock === 1 && credit === 5)
      const [found, left, kept] = await Promise.all([
        shop.findOrder(order),
        shop.findItem(item),
        shop.findUser(user),
      ])
      const expected = isPaid ? [true, 0, 0] : [false, stock, credit]
      assert.deepEqual([found.paid, left.stock, kept.credit], expected)
    })
  },
}

export const checkoutRaces: Cases = {
  async '2, 3 and 10 users for one unit: exactly one'({ shop }) {
    for (const users of [2, 2, 3, 3, 10, 10]) {
      await assertSold(shop, 1, await race(shop, { users, units: 1, stock: 1 }), 1, 1)
    }
  },

  async '20 users for 3 units: three'({ shop }) {
    await assertSold(shop, 3, await race(shop, { users: 20, units: 1, stock: 3 }), 3, 1)
  },

  async '5 users for 2 units each of 10: all five'({ shop }) {
    await assertSold(shop, 5, await race(shop, { users: 5, units: 2, stock: 10 }), 10, 2)
  },

  async '50 independent orders: all'({ shop }) {
    const orders = await inParallel(64, range(50), async () =>
      shop.order(await shop.user(3), [await shop.item(3, 1), 1]),
    )
    const answers = await Promise.all(orders.map((order) => shop.checkout(order)))
    for (const answer of answers) succeeded(answer)
  },

  async '50 clients on one order that must be refused: 50 equal refusals'({ shop }) {
    const item = await shop.item(2, 1)
    const user = await shop.user(1)
    const order = await shop.order(user, [item, 1])
    const answers = await Promise.all(range(50).map(() => shop.checkout(order)))
    assert.deepEqual([...new Set(answers.map(problemOf))], ['insufficient_credit'])
    assert.equal((await shop.findItem(item)).stock, 1)
    assert.equal((await shop.findUser(user)).credit, 1)
  },

  async 'one user, 30 orders, credit for 7: exactly seven'({ shop }) {
    const item = await shop.item(1, 100)
    const user = await shop.user(7)
    const orders = await inParallel(64, range(30), () => shop.order(user, [item, 1]))
    const answers = await Promise.all(orders.map((order) => shop.checkout(order)))
    assert.equal(count(answers, 200), 7)
    for (const answer of answers) {
      if (answer.status !== 200) assert.equal(problemOf(answer), 'insufficient_credit')
    }
    assert.equal((await shop.findUser(user)).credit, 0)
    assert.equal((await shop.findItem(item)).stock, 93)
  },

  async 'items in opposite orders: nobody waits for ever, all are paid'({ shop }) {
    const items = [await shop.item(1, 200), await shop.item(1, 200)] as const
    const user = await shop.user(1_000)
    const orders = await inParallel(64, range(100), (index) => {
      const [first, second] = index % 2 === 0 ? items : items.toReversed()
      return shop.order(user, [first!, 1], [second!, 1])
    })
    const answers = await Promise.all(orders.map((order) => shop.checkout(order)))
    for (const answer of answers) succeeded(answer)
    for (const item of items) assert.equal((await shop.findItem(item)).stock, 100)
    assert.equal((await shop.findUser(user)).credit, 800)
  },

  async 'items in opposite orders, one short: as many are paid as can be'({ shop }) {
    const items = [await shop.item(1, 20), await shop.item(1, 40)] as const
    const orders = await inParallel(64, range(40), async (index) => {
      const [first, second] = index % 2 === 0 ? items : items.toReversed()
      return shop.order(await shop.user(2), [first!, 1], [second!, 1])
    })
    const answers = await Promise.all(orders.map((order) => shop.checkout(order)))
    assert.deepEqual([count(answers, 200), count(answers, 400)], [20, 20])
    assert.equal((await shop.findItem(items[0])).stock, 0)
    assert.equal((await shop.findItem(items[1])).stock, 20)
  },

  async 'two-phase commit: of two for the last unit, the one with credit always wins'({
    shop,
    variant,
  }) {
    if (variant.protocol !== '2pc') return
    await inParallel(16, range(60), async (index) => {
      const item = await shop.item(1, 1)
      const rich = await shop.order(await shop.user(1), [item, 1])
      const poor = await shop.order(await shop.createUser(), [item, 1])
      const [first, second] = index % 2 === 0 ? [rich, poor] : [poor, rich]
      const answers = await Promise.all([shop.checkout(first), shop.checkout(second)])
      const [ofRich, ofPoor] = index % 2 === 0 ? answers : answers.toReversed()
      succeeded(ofRich!)
      assert.match(problemOf(ofPoor!), /^insufficient_(credit|stock)$/)
      assert.equal((await shop.findItem(item)).stock, 0)
    })
  },
}
