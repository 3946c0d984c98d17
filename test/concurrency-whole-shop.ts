/** Concurrency over a whole shop, each with the full check: sums, ledger, answers, nothing left. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import type { CheckoutAnswer } from './checker-answers.ts'
import { everyRecord } from './records.ts'
import type { RunningShop } from './running-shop.ts'
import type { Shop } from './shop.ts'
import { assertSound, type Cases, eventually, inParallel, range, restWithinMs } from './suite.ts'

const amountIn = (amounts: ReadonlyMap<string, number>) => (id: string) => amounts.get(id)

/** Checks an order out and keeps what was answered, and when. */
async function recorded(shop: Shop, orderId: string): Promise<CheckoutAnswer> {
  const startedAt = systemClock.now()
  const { status } = await shop.checkout(orderId)
  return { orderId, status, startedAt, endedAt: systemClock.now() }
}

export const wholeShopCases: Cases = {
  async 'conservation over all items and users after mixed success and failure'(running) {
    const { shop } = running
    const random = seededRandom(20)
    const stock = new Map<string, number>()
    const credit = new Map<string, number>()
    await inParallel(64, range(20), async (price) => {
      const units = 5 + random.integer(30)
      stock.set(await shop.item(price, units), units)
    })
    await inParallel(64, range(30), async () => {
      const amount = 50 + random.integer(300)
      credit.set(await shop.user(amount), amount)
    })
    const [items, users] = [[...stock.keys()], [...credit.keys()]]
    const orders = await inParallel(64, range(140), () => {
      const lines = range(1 + random.integer(4)).map(
        () => [items[random.integer(items.length)]!, 1 + random.integer(2)] as const,
      )
      return shop.order(users[random.integer(users.length)]!, ...lines)
    })
    const repeated = [...orders, ...orders.slice(0, 60)]
    const answers = await inParallel(64, repeated, (order) => recorded(shop, order))
    const statuses = new Set(answers.map(({ status }) => status))
    assert.deepEqual([...statuses].toSorted(), [200, 400])
    await assertSound(running, { stock: amountIn(stock), credit: amountIn(credit), answers })
  },

  async 'the public consistency test: exactly 100 of 100 sold, no inconsistency'(running) {
    const { shop } = running
    const random = seededRandom(100)
    const item = await shop.item(1, 100)
    await shop.initUsers(1_000, 1)
    const users = range(1_000).map(String)
    const orders = await inParallel(64, range(1_000), async () => {
      const user = users[random.integer(users.length)]!
      return { user, order: await shop.order(user, [item, 1]) }
    })
    const answers = await inParallel(100, orders, ({ order }) => recorded(shop, order))
    const failed = ({ status }: CheckoutAnswer) => status! >= 400 && status! < 500
    assert.equal(answers.filter((answer) => !failed(answer)).length, 100, 'sold')
    assert.equal((await shop.findItem(item)).stock, 0)
    const charged = new Map<string, number>()
    for (const [index, answer] of answers.entries()) {
      const { user } = orders[index]!
      if (!failed(answer)) charged.set(user, (charged.get(user) ?? 0) + 1)
    }
    const accounts = await everyRecord(running.records, 'users')
    const wrong = users.filter(
      (user) => accounts.get(user)?.credit !== 1 - (charged.get(user) ?? 0),
    )
    assert.deepEqual(wrong, [])
    await assertSound(running, { answers })
  },

  async '64 clients hang up in the middle: every transaction ends like any other'(running) {
    const { shop } = running
    const random = seededRandom(64)
    const [item, user] = [await shop.item(1, 100), await shop.user(100)]
    const orders = await inParallel(64, range(64), () => shop.order(user, [item, 1]))
    await Promise.all(orders.map((order) => hangUp(shop.origin, order, random.integer(4))))
    const paid = () => inParallel(64, orders, async (id) => (await shop.findOrder(id)).paid)
    await eventually(restWithinMs, async () => !(await paid()).includes(false))
    assert.ok(!(await paid()).includes(false), 'all are paid')
    await assertSound(running, { stock: ofOnly(item, 100), credit: ofOnly(user, 100) })
  },

  async 'clients hang up, and others want the same orders'(running: RunningShop) {
    const { shop } = running
    const random = seededRandom(65)
    const [item, user] = [await shop.item(1, 20), await shop.user(100)]
    const orders = await inParallel(64, range(40), () => shop.order(user, [item, 1]))
    const answers = await Promise.all(
      orders.flatMap((order) => [
        hangUp(shop.origin, order, random.integer(3)),
        recorded(shop, order),
      ]),
    )
    const told = answers.filter((answer) => answer !== undefined)
    await eventually(restWithinMs, async () => (await running.records.open()).length === 0)
    for (const order of orders) await shop.checkout(order)
    assert.equal((await shop.findItem(item)).stock, 0)
    // What was refused may have been paid by the last round: those answers promise nothing of it.
    const kept = told.filter(({ status }) => status === 200)
    const expected = { stock: ofOnly(item, 20), credit: ofOnly(user, 100) }
    await assertSound(running, { ...expected, answers: kept })
  },
}

const ofOnly = (id: string, amount: number) => (other: string) =>
  other === id ? amount : undefined

/** Sends a checkout on a connection of its own and closes it without reading. */
async function hangUp(origin: string, order: string, afterMs: number): Promise<void> {
  const { hostname, port } = new URL(origin)
  const socket = connect({ host: hostname, port: Number(port) })
  await once(socket, 'connect')
  const lines = [`POST /orders/checkout/${order} HTTP/1.1`, `Host: ${hostname}`, '', '']
  await new Promise((resolve) => socket.write(lines.join('\r\n'), resolve))
  await systemClock.sleep(afterMs)
  socket.on('error', () => {}).destroy()
}
