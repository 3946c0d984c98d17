/**
 * Contract: every public route, its status, Content-Type and shape; what is not public; unknown
 * ids.
 */
import assert from 'node:assert/strict'
import { problemOf, refused, type Shop, succeeded } from './shop.ts'
import type { Cases } from './suite.ts'

/** Every public route with arguments that succeed, made for `ids`. */
const routesOf = ({ item, user, order }: { item: string; user: string; order: string }) =>
  [
    ['POST', '/stock/item/create/5', ['item_id']],
    ['GET', `/stock/find/${item}`, ['price', 'stock']],
    ['POST', `/stock/add/${item}/3`, 'text'],
    ['POST', `/stock/subtract/${item}/1`, 'text'],
    ['POST', '/stock/batch_init/3/100/7', ['msg']],
    ['POST', '/payment/create_user', ['user_id']],
    ['GET', `/payment/find_user/${user}`, ['credit', 'user_id']],
    ['POST', `/payment/add_funds/${user}/9`, 'text'],
    ['POST', `/payment/pay/${user}/1`, 'text'],
    ['POST', '/payment/batch_init/3/100', ['msg']],
    ['POST', `/orders/create/${user}`, ['order_id']],
    ['GET', `/orders/find/${order}`, ['items', 'order_id', 'paid', 'total_cost', 'user_id']],
    ['POST', `/orders/addItem/${order}/${item}/1`, 'text'],
    ['POST', `/orders/checkout/${order}`, 'text'],
    ['POST', '/orders/batch_init/3/3/3/7', ['msg']],
  ] as const

async function anyShop(shop: Shop) {
  const item = await shop.item(1, 5)
  const user = await shop.user(5)
  return { item, user, order: await shop.order(user, [item, 1]) }
}

/** Every public route that names a record, for an id that no record has. */
const unknownRoutes = (unknown: string, { item, order }: { item: string; order: string }) =>
  [
    ['GET', `/stock/find/${unknown}`, 'unknown_item'],
    ['POST', `/stock/add/${unknown}/1`, 'unknown_item'],
    ['POST', `/stock/subtract/${unknown}/1`, 'unknown_item'],
    ['GET', `/payment/find_user/${unknown}`, 'unknown_user'],
    ['POST', `/payment/add_funds/${unknown}/1`, 'unknown_user'],
    ['POST', `/payment/pay/${unknown}/1`, 'unknown_user'],
    ['GET', `/orders/find/${unknown}`, 'unknown_order'],
    ['POST', `/orders/addItem/${unknown}/${item}/1`, 'unknown_order'],
    ['POST', `/orders/addItem/${order}/${unknown}/1`, 'unknown_item'],
    ['POST', `/orders/checkout/${unknown}`, 'unknown_order'],
  ] as const

export const routeCases: Cases = {
  async 'every route answers 200 with its shape and Content-Type'({ shop }) {
    for (const [method, path, shape] of routesOf(await anyShop(shop))) {
      const answer = succeeded(await shop.request(method, path))
      if (shape === 'text') {
        assert.match(answer.type, /^text\/plain/, path)
        assert.ok(answer.text.length > 0, path)
      } else {
        assert.match(answer.type, /^application\/json/, path)
        assert.deepEqual(Object.keys(JSON.parse(answer.text)).toSorted(), shape, path)
      }
    }
  },

  async 'ids are text, also where they are digits'({ shop }) {
    const { item, user, order } = await anyShop(shop)
    for (const id of [item, user, order]) assert.match(id, /^[A-Za-z0-9_-]{1,64}$/)
    const found = await shop.findOrder(order)
    assert.deepEqual(found, {
      order_id: order,
      paid: false,
      items: [[item, 1]],
      user_id: user,
      total_cost: 1,
    })
    assert.deepEqual(await shop.findUser(user), { user_id: user, credit: 5 })
    assert.deepEqual(await shop.findItem(item), { price: 1, stock: 5 })
  },

  async 'new records: a user without credit, an item without units, an order without lines'({
    shop,
  }) {
    assert.equal((await shop.findUser(await shop.createUser())).credit, 0)
    assert.deepEqual(await shop.findItem(await shop.createItem(0)), { stock: 0, price: 0 })
    const order = await shop.findOrder(await shop.createOrder('nobody'))
    assert.deepEqual([order.paid, order.items, order.total_cost], [false, [], 0])
  },

  async 'unknown ids are 404 with their code'({ shop }) {
    const known = await anyShop(shop)
    for (const unknown of ['no-such-id', '999999999', '__proto__', 'constructor', '-1']) {
      for (const [method, path, code] of unknownRoutes(unknown, known)) {
        refused(await shop.request(method, path), 404, code)
      }
    }
    assert.deepEqual((await shop.findOrder(known.order)).items, [[known.item, 1]])
  },

  async 'an order of an unknown user, or of an item that is gone, is refused with 404'({ shop }) {
    const item = await shop.item(1, 5)
    const order = await shop.order('nobody', [item, 1])
    refused(await shop.checkout(order), 404, 'unknown_user')
    assert.deepEqual(await shop.findItem(item), { stock: 5, price: 1 })
    assert.equal((await shop.findOrder(order)).paid, false)
  },

  async 'unknown routes are 404, other methods 405 with Allow'({ shop }) {
    for (const path of ['/', '/stock', '/stock/find', '/orders/find/a/b', '/nothing', '/stock/']) {
      refused(await shop.get(path), 404, 'unknown_route')
    }
    for (const [method, path] of routesOf(await anyShop(shop))) {
      const answer = await shop.request('DELETE', path)
      refused(answer, 405, 'method_not_allowed')
      assert.ok(String(answer.headers.allow).split(', ').includes(method), path)
    }
  },

  async 'nothing internal is served on the public port'({ shop }) {
    const services = ['order', 'stock', 'payment', 'orchestrator']
    const names = ['open', 'log', 'branches', 'branch', 'counters', 'transaction', 'orders']
    for (const service of services) {
      for (const name of names) {
        refused(await shop.get(`/internal/${service}/${name}`), 404, 'unknown_route')
      }
    }
    for (const path of ['/internal/stock/items', '/internal/payment/users', '/internal']) {
      refused(await shop.get(path), 404, 'unknown_route')
    }
  },

  async 'openapi.json describes exactly the routes that are served'({ shop }) {
    const answer = succeeded(await shop.get('/openapi.json'))
    assert.match(answer.type, /^application\/json/)
    const { openapi, paths } = JSON.parse(answer.text)
    assert.match(openapi, /^3\.1\./)
    const described = Object.entries<Record<string, unknown>>(paths)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${pattern(path)}`),
      )
      .toSorted()
    const ids = { item: '{}', user: '{}', order: '{}' }
    const expected = routesOf(ids).map(([method, path]) => `${method} ${pattern(path)}`)
    assert.deepEqual(described, expected.toSorted())
  },

  async 'problems say nothing of the inside and a 503 says when to try again'({ shop }) {
    assert.equal(problemOf(await shop.get('/orders/find/..%2f')), 'invalid_request')
    assert.equal(problemOf(await shop.post('/stock/item/create/x')), 'invalid_request')
  },

  async 'finding is free of effects'({ shop }) {
    const { item, user, order } = await anyShop(shop)
    const look = async () =>
      Promise.all([shop.findItem(item), shop.findUser(user), shop.findOrder(order)])
    const first = await look()
    for (let times = 0; times < 10; times++) assert.deepEqual(await look(), first)
  },
}

/** A path with its parameters, or the arguments in their places, blanked out. */
const pattern = (path: string) =>
  path
    .split('/')
    .map((part) => (/^(\{.*\}|\d+)$/.test(part) ? '{}' : part))
    .join('/')
