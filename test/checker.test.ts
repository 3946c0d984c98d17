/** The checker can fail: each planted difference is found, and a sound shop has none. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { OrderRecord } from '../order/order.ts'
import type { Entry } from '../protocol/messages.ts'
import type { State } from '../protocol/protocol.ts'
import { checkShop } from './checker.ts'
import type { CheckoutAnswer } from './checker-answers.ts'
import type { Alarms, Kind, Page, RecordsByKind, ShopRecords, StoredBranch } from './records.ts'

type Planted = { [K in Kind]: Record<string, RecordsByKind[K]> } & {
  open: State[]
  alarms: Alarms
  answers: CheckoutAnswer[]
}

const branch = (
  transaction: string,
  entries: Entry[],
  state: StoredBranch['state'] = 'committed',
): StoredBranch => ({ transaction, state, entries, generations: entries.map(() => 0) })

function order(paid: string | undefined, lines: OrderRecord['lines']): OrderRecord {
  const total = lines.reduce((sum, { price, quantity }) => sum + price * quantity, 0)
  const settled = paid === undefined ? {} : { paid }
  return { userId: 'ann', lines, total, version: 0, generation: 0, ...settled }
}

const apples = { itemId: 'apple', quantity: 2, price: 3 }
const pears = { itemId: 'pear', quantity: 1, price: 4 }

/** Ann had 20 and has paid 6 and 10; there were 10 apples and 5 pears. */
const soundShop = (): Planted => ({
  orders: {
    first: order('order.0.1.1', [apples]),
    second: order('orchestrator.0.1.1', [apples, pears]),
    refused: order(undefined, [pears]),
    empty: order('nothing', []),
  },
  items: {
    apple: { price: 3, stock: 6, held: 0, generation: 0 },
    pear: { price: 4, stock: 4, held: 0, generation: 0 },
  },
  users: { ann: { credit: 4, held: 0, generation: 0 } },
  orderBranches: { b: branch('orchestrator.0.1.1', [{ id: 'second', amount: 0 }]) },
  stockBranches: {
    a: branch('order.0.1.1', [{ id: 'apple', amount: 2 }], 'executed'),
    b: branch('orchestrator.0.1.1', [{ id: 'apple', amount: 2 }]),
    c: branch('orchestrator.0.1.1', [{ id: 'pear', amount: 1 }]),
    d: branch('order.0.1.2', [{ id: 'pear', amount: 1 }], 'aborted'),
    e: branch('order.0.1.3', [{ id: 'pear', amount: 1 }], 'compensated'),
  },
  paymentBranches: {
    a: branch('order.0.1.1', [{ id: 'ann', amount: 6 }], 'executed'),
    b: branch('orchestrator.0.1.1', [{ id: 'ann', amount: 10 }]),
    d: branch('order.0.1.2', [{ id: 'ann', amount: 4 }], 'refused'),
  },
  open: [],
  alarms: { 'stock parked': 0 },
  answers: [
    { orderId: 'first', status: 503, startedAt: 0, endedAt: 1 },
    { orderId: 'first', status: 200, startedAt: 2, endedAt: 3 },
    { orderId: 'second', status: 400, startedAt: 0, endedAt: 1 },
    { orderId: 'second', status: undefined, startedAt: 2, endedAt: 3 },
    { orderId: 'refused', status: 400, startedAt: 0, endedAt: 1 },
  ],
})

function recordsOf(planted: Planted): ShopRecords {
  return {
    async *pages<K extends Kind>(kind: K) {
      for (const entry of Object.entries(planted[kind])) yield [entry] as unknown as Page<K>
    },
    open: async () => planted.open,
    isOwned: async () => true,
    alarms: async () => planted.alarms,
    close: async () => {},
  }
}

const stock: Record<string, number> = { apple: 10, pear: 5 }

const check = (planted: Planted) =>
  checkShop(recordsOf(planted), {
    stock: (id) => stock[id],
    credit: () => 20,
    answers: planted.answers,
  })

const plantings: Record<string, [(shop: Planted) => void, ...RegExp[]]> = {
  'an open transaction': [
    (shop) => {
      const left = { transaction: 't', orderId: 'first', phase: 'committing' } as State
      shop.open.push(left)
    },
    /t of order first is still open, committing/,
  ],
  'an alarm': [
    (shop) => {
      shop.alarms = { 'stock parked': 1 }
    },
    /stock parked counts 1/,
  ],
  'held units': [
    (shop) => {
      shop.items.pear = { ...shop.items.pear!, held: 1 }
    },
    /item pear: 1 of it is held/,
  ],
  'held credit': [
    (shop) => {
      shop.users.ann = { ...shop.users.ann!, held: 6 }
    },
    /user ann: 6 of it is held/,
  ],
  'a held order': [
    (shop) => {
      shop.orders.refused = { ...shop.orders.refused!, checkout: 'order.0.1.9' }
    },
    /order refused is held by order.0.1.9/,
  ],
  'a prepared branch': [
    (shop) => {
      shop.stockBranches.d = { ...shop.stockBranches.d!, state: 'prepared' }
    },
    /order.0.1.2 \(stockBranches\) is still prepared/,
  ],
  'a parked branch': [
    (shop) => {
      shop.paymentBranches.d = { ...shop.paymentBranches.d!, parked: ['commit'] }
    },
    /order.0.1.2 \(paymentBranches\) has parked commit/,
  ],
  'a lost debit': [
    (shop) => {
      delete shop.paymentBranches.a
    },
    /order first, paid by order.0.1.1, has 0 debits/,
    /credit of user ann is 4 and should be 10/,
  ],
  'a debit twice': [
    (shop) => {
      shop.paymentBranches.z = shop.paymentBranches.a!
    },
    /order first, paid by order.0.1.1, has 2 debits/,
    /credit of user ann is 4 and should be -2/,
  ],
  'a debit of another amount': [
    (shop) => {
      shop.paymentBranches.a = branch('order.0.1.1', [{ id: 'ann', amount: 5 }])
    },
    /debited 5, not 6/,
  ],
  'a debit of another user': [
    (shop) => {
      shop.paymentBranches.a = branch('order.0.1.1', [{ id: 'bob', amount: 6 }])
    },
    /debited user bob, not ann/,
  ],
  'lost units': [
    (shop) => {
      delete shop.stockBranches.c
    },
    /order second, .* took 0 units of pear, not 1/,
    /stock of item pear is 4 and should be 5/,
  ],
  'units of an item that is not in the order': [
    (shop) => {
      shop.stockBranches.a = branch('order.0.1.1', [
        { id: 'apple', amount: 2 },
        { id: 'pear', amount: 1 },
      ])
    },
    /order first, .* took 1 units of pear, which is not in it/,
  ],
  'a debit without a paid order': [
    (shop) => {
      shop.paymentBranches.d = branch('order.0.1.2', [{ id: 'ann', amount: 4 }])
    },
    /order.0.1.2 debited user ann 4; no order is paid by it/,
  ],
  'units without a paid order': [
    (shop) => {
      shop.stockBranches.e = branch('order.0.1.3', [{ id: 'pear', amount: 1 }], 'executed')
    },
    /order.0.1.3 took 1 of pear; no order is paid by it/,
  ],
  'two orders paid by one transaction': [
    (shop) => {
      shop.orders.refused = order('order.0.1.1', [apples])
    },
    /orders first and refused are both paid by order.0.1.1/,
  ],
  'an order that does not know that it is paid': [
    (shop) => {
      shop.orders.second = order(undefined, [apples, pears])
    },
    /orchestrator.0.1.1 says that it paid order second/,
    /orchestrator.0.1.1 debited user ann 10; no order is paid by it/,
  ],
  'an order with lines that is paid for nothing': [
    (shop) => {
      shop.orders.refused = order('nothing', [pears])
    },
    /order refused has lines and is paid for nothing/,
  ],
  'a total that is not that of the lines': [
    (shop) => {
      shop.orders.first = { ...shop.orders.first!, total: 7 }
    },
    /order first has lines worth 6 and a total of 7/,
  ],
  'credit out of nothing': [
    (shop) => {
      shop.users.ann = { ...shop.users.ann!, credit: 5 }
    },
    /credit of user ann is 5 and should be 4/,
  ],
  'stock below zero': [
    (shop) => {
      shop.items.apple = { ...shop.items.apple!, stock: -1 }
    },
    /stock of item apple is -1$/,
  ],
  'an answer "paid" that was not kept': [
    (shop) => {
      shop.answers.push({ orderId: 'refused', status: 200, startedAt: 4, endedAt: 5 })
    },
    /order refused was answered as paid and is not/,
  ],
  'a refusal that happened': [
    (shop) => {
      shop.answers.splice(3, 1)
    },
    /order second was refused each time and is paid/,
  ],
  'a refusal after "paid"': [
    (shop) => {
      shop.answers.push({ orderId: 'first', status: 409, startedAt: 4, endedAt: 5 })
    },
    /order first was answered as paid and then refused with 409/,
  ],
  'an order that is gone': [
    (shop) => {
      delete shop.orders.refused
    },
    /order refused is gone/,
  ],
}

test('a sound shop has no difference', async () => {
  assert.deepEqual(await check(soundShop()), [])
})

test('branches on records that batch_init has replaced are not counted', async () => {
  const shop = soundShop()
  shop.users.ann = { credit: 20, held: 0, generation: 1 }
  assert.deepEqual(await check(shop), [])
})

test('what may be one of several is held to its bounds', async () => {
  const records = recordsOf(soundShop())
  const within = (least: number, most: number) =>
    checkShop(records, { credit: () => ({ least, most }) })
  assert.deepEqual(await within(18, 21), [])
  assert.match((await within(21, 23)).join(), /ann is 4 and should be 5 to 7/)
  assert.match((await within(15, 19)).join(), /ann is 4 and should be -1 to 3/)
})

for (const [name, [plant, ...expected]] of Object.entries(plantings)) {
  test(`found: ${name}`, async () => {
    const shop = soundShop()
    plant(shop)
    const differences = await check(shop)
    for (const each of expected) {
      assert.ok(
        differences.some((difference) => each.test(difference)),
        `${each} in\n${differences.join('\n')}`,
      )
    }
  })
}
