/** The calls that `./till init` makes. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { batchesOf } from './init.ts'

const amounts = { items: 3, users: 4, orders: 5, stock: 6, price: 7, credit: 8 }

test('one call for each kind, orders last', () => {
  assert.deepEqual(
    batchesOf(amounts).map(({ path }) => path),
    ['/stock/batch_init/3/6/7', '/payment/batch_init/4/8', '/orders/batch_init/5/3/4/7'],
  )
})

test('none of a kind is no call', () => {
  const kinds = batchesOf({ ...amounts, items: 0, orders: 0 }).map(({ kind }) => kind)
  assert.deepEqual(kinds, ['users'])
})

test('orders of nothing, or of nobody, are refused', () => {
  for (const none of [{ items: 0 }, { users: 0 }]) {
    assert.throws(() => batchesOf({ ...amounts, ...none }), { exitCode: 2 })
  }
})
