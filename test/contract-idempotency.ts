/** Contract: Idempotency-Key on every mutating route: once for a key, whatever is repeated. */
import assert from 'node:assert/strict'
import { refused, type Shop, succeeded } from './shop.ts'
import { type Cases, range } from './suite.ts'

async function known(shop: Shop) {
  const [item, user] = [await shop.item(1, 100), await shop.user(100)]
  return { item, user, order: await shop.order(user, [item, 1]) }
}

type Known = Awaited<ReturnType<typeof known>>

const figures = async (shop: Shop, { item, user, order }: Known) => ({
  stock: (await shop.findItem(item)).stock,
  credit: (await shop.findUser(user)).credit,
  total: (await shop.findOrder(order)).total_cost,
})

/** The first number that is no id of such a record yet: batch_init can make it one. */
async function nextOf(shop: Shop, find: string): Promise<number> {
  for (let id = 0; ; id++) if ((await shop.get(`${find}/${id}`)).status === 404) return id
}

let used = 0
/** A key that no test has used: the shop is shared by all of them. */
const newKey = (of: string) => `${of} #${used++}`

/** Every route that changes a record, and what it changes each time. */
const changes = ({ item, user, order }: Known) =>
  [
    [`/stock/add/${item}/3`, { stock: 3 }],
    [`/stock/subtract/${item}/2`, { stock: -2 }],
    [`/payment/add_funds/${user}/5`, { credit: 5 }],
    [`/payment/pay/${user}/4`, { credit: -4 }],
    [`/orders/addItem/${order}/${item}/2`, { total: 2 }],
  ] as const

export const idempotencyCases: Cases = {
  async 'a repeat is applied once and answered the same; another key is applied again'({ shop }) {
    const records = await known(shop)
    for (const [path, change] of changes(records)) {
      const before = await figures(shop, records)
      const [key, other] = [newKey(path), newKey(path)]
      const first = succeeded(await shop.post(path, { idempotencyKey: key }))
      for (let times = 0; times < 3; times++) {
        const again = await shop.post(path, { idempotencyKey: key })
        assert.deepEqual([again.status, again.text], [first.status, first.text], path)
      }
      const moved = Object.entries(change).map(([name, by]) => [name, by] as const)
      const expected = (times: number) => ({
        ...before,
        ...Object.fromEntries(
          moved.map(([name, by]) => [name, before[name as keyof typeof before] + times * by]),
        ),
      })
      assert.deepEqual(await figures(shop, records), expected(1), path)
      succeeded(await shop.post(path, { idempotencyKey: other }))
      assert.deepEqual(await figures(shop, records), expected(2), path)
    }
  },

  async 'parallel repeats are applied once and answered the same'({ shop }) {
    const records = await known(shop)
    for (const [path, change] of changes(records)) {
      const before = await figures(shop, records)
      const key = newKey(path)
      const answers = await Promise.all(
        range(20).map(() => shop.post(path, { idempotencyKey: key })),
      )
      assert.equal(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size, 1, path)
      const after = await figures(shop, records)
      for (const [name, by] of Object.entries(change)) {
        const figure = name as keyof typeof before
        assert.equal(after[figure] - before[figure], by, path)
      }
    }
  },

  async 'what is created is created once'({ shop }) {
    for (const path of ['/stock/item/create/5', '/payment/create_user', '/orders/create/anyone']) {
      const key = newKey(path)
      const answers = await Promise.all(
        range(5).map(() => shop.post(path, { idempotencyKey: key })),
      )
      assert.equal(new Set(answers.map((answer) => succeeded(answer).text)).size, 1, path)
      assert.notEqual(
        (await shop.post(path, { idempotencyKey: newKey(path) })).text,
        answers[0]!.text,
      )
    }
  },

  async 'a refusal is answered the same, also when it would succeed by now'({ shop }) {
    const records = await known(shop)
    const path = `/payment/pay/${records.user}/150`
    const key = newKey(path)
    refused(await shop.post(path, { idempotencyKey: key }), 400, 'insufficient_credit')
    succeeded(await shop.addFunds(records.user, 100))
    refused(await shop.post(path, { idempotencyKey: key }), 400, 'insufficient_credit')
    assert.equal((await shop.findUser(records.user)).credit, 200)
    succeeded(await shop.post(path, { idempotencyKey: newKey(path) }))
    assert.equal((await shop.findUser(records.user)).credit, 50)
  },

  async 'an item or an order that was unknown stays so for the key'({ shop }) {
    const { user, order } = await known(shop)
    const item = await nextOf(shop, '/stock/find')
    const ofItem = `/orders/addItem/${order}/${item}/1`
    const key = newKey(ofItem)
    refused(await shop.post(ofItem, { idempotencyKey: key }), 404, 'unknown_item')
    await shop.initItems(item + 1, 10, 4)
    refused(await shop.post(ofItem, { idempotencyKey: key }), 404, 'unknown_item')
    const other = `/orders/addItem/${order}/${item}/2`
    refused(await shop.post(other, { idempotencyKey: key }), 422, 'idempotency_key_reused')
    assert.equal((await shop.findOrder(order)).total_cost, 1)
    succeeded(await shop.post(ofItem, { idempotencyKey: newKey(ofItem) }))
    assert.equal((await shop.findOrder(order)).total_cost, 5)

    const unknown = await nextOf(shop, '/orders/find')
    const ofOrder = `/orders/addItem/${unknown}/${item}/1`
    const its = newKey(ofOrder)
    refused(await shop.post(ofOrder, { idempotencyKey: its }), 404, 'unknown_order')
    const create = `/orders/create/${user}`
    refused(await shop.post(create, { idempotencyKey: its }), 422, 'idempotency_key_reused')
    await shop.initOrders(unknown + 1, 1, 1, 4)
    refused(await shop.post(ofOrder, { idempotencyKey: its }), 404, 'unknown_order')
    assert.equal((await shop.findOrder(String(unknown))).total_cost, 8)
  },

  async 'a checkout with a key: paid once; refused the same until there is another key'({ shop }) {
    const item = await shop.item(2, 5)
    const user = await shop.createUser()
    const order = await shop.order(user, [item, 1])
    const key = newKey('checkout')
    refused(await shop.checkout(order, { idempotencyKey: key }), 400, 'insufficient_credit')
    succeeded(await shop.addFunds(user, 10))
    refused(await shop.checkout(order, { idempotencyKey: key }), 400, 'insufficient_credit')
    assert.equal((await shop.findOrder(order)).paid, false)
    const other = newKey('checkout')
    const answers = await Promise.all(
      range(10).map(() => shop.checkout(order, { idempotencyKey: other })),
    )
    for (const answer of answers) succeeded(answer)
    assert.equal((await shop.findUser(user)).credit, 8)
    assert.equal((await shop.findItem(item)).stock, 4)
  },

  async 'a key that was used for another request is 422 and changes nothing'({ shop }) {
    const records = await known(shop)
    const { item, user, order } = records
    const all = [
      ...changes(records).map(([path]) => path),
      `/stock/add/${item}/4`,
      `/orders/checkout/${order}`,
    ]
    for (const first of [
      '/stock/item/create/5',
      '/payment/create_user',
      `/orders/create/${user}`,
    ]) {
      const service = first.split('/')[1]
      const key = newKey(first)
      succeeded(await shop.post(first, { idempotencyKey: key }))
      const before = await figures(shop, records)
      for (const path of all.filter((path) => path.split('/')[1] === service)) {
        refused(await shop.post(path, { idempotencyKey: key }), 422, 'idempotency_key_reused')
      }
      assert.deepEqual(await figures(shop, records), before)
    }
    const key = newKey('amount')
    succeeded(await shop.post(`/stock/add/${item}/1`, { idempotencyKey: key }))
    const reuse = await shop.post(`/stock/add/${item}/2`, { idempotencyKey: key })
    refused(reuse, 422, 'idempotency_key_reused')
  },

  async 'batch_init with a key runs once'({ shop }) {
    const key = newKey('batch')
    const path = '/stock/batch_init/2/10/1'
    const first = succeeded(await shop.post(path, { idempotencyKey: key }))
    succeeded(await shop.subtractStock('0', 3))
    const again = succeeded(await shop.post(path, { idempotencyKey: key }))
    assert.equal(again.text, first.text)
    assert.equal((await shop.findItem('0')).stock, 7)
  },

  async 'a key is 1 to 128 printable ASCII characters'({ shop }) {
    const { item } = await known(shop)
    for (const key of ['k'.repeat(129), '']) {
      const answer = await shop.post(`/stock/add/${item}/1`, { idempotencyKey: key })
      refused(answer, 400, 'invalid_request')
    }
    const longest = newKey('k').padEnd(128, '~')
    succeeded(await shop.post(`/stock/add/${item}/1`, { idempotencyKey: longest }))
    assert.equal((await shop.findItem(item)).stock, 101)
  },
}
