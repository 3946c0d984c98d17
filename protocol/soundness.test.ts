/** What a message must be to be looked at at all. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Branch, Checkout } from './messages.ts'
import { isSoundBranch, isSoundCheckout, isSoundId } from './soundness.ts'
import { isPosition, parseTransactionId, positionOf } from './transaction-id.ts'

/** Ids end with their partition. */
const of = (id: string) => Number(id.at(-1))
const branch = (change: object = {}): Branch => ({
  service: 'stock',
  partition: 1,
  entries: [{ id: 'apple-1', amount: 2 }],
  ...change,
})

test('a branch of its own partition is sound; a price of nothing is an amount', () => {
  assert(isSoundBranch(branch(), of))
  assert(isSoundBranch(branch({ entries: [{ id: 'free-1', amount: 0 }] }), of))
})

const unsound: Readonly<Record<string, object>> = {
  'another service': { service: 'inbox' },
  'another partition': { partition: 2 },
  'no entries': { entries: [] },
  'entries that are no list': { entries: {} },
  'an amount below zero': { entries: [{ id: 'apple-1', amount: -1 }] },
  'a broken amount': { entries: [{ id: 'apple-1', amount: 0.5 }] },
  'an amount that is no number': { entries: [{ id: 'apple-1', amount: '1' }] },
  'an amount beyond 2^53': { entries: [{ id: 'apple-1', amount: 2 ** 53 }] },
  'one record twice': { entries: [1, 2].map((amount) => ({ id: 'apple-1', amount })) },
  'an id that reaches another key': { entries: [{ id: 'a:b1', amount: 1 }] },
  'an id that is too long': { entries: [{ id: '1'.repeat(65), amount: 1 }] },
  'two accounts': {
    service: 'payment',
    entries: [
      { id: 'a1', amount: 1 },
      { id: 'b1', amount: 1 },
    ],
  },
}

for (const [what, change] of Object.entries(unsound)) {
  test(`a branch with ${what} is not sound`, () => assert(!isSoundBranch(branch(change), of)))
}

const order: Branch = { service: 'order', partition: 3, entries: [{ id: 'o3', amount: 0 }] }
const payment: Branch = { service: 'payment', partition: 2, entries: [{ id: 'u2', amount: 5 }] }
const whole: Checkout = { orderId: 'o3', branches: [order, branch(), payment] }

test('a checkout has its order, stock and one account, each once', () => {
  assert(isSoundCheckout(whole, of))
  for (const branches of [
    [order, payment],
    [branch(), payment],
    [order, branch()],
    [order, branch(), branch(), payment],
    [order, branch(), payment, payment],
  ]) {
    assert(!isSoundCheckout({ ...whole, branches }, of))
  }
  assert(!isSoundCheckout({ ...whole, orderId: 'p3' }, of))
})

test('ids are those that services give', () => {
  assert(isSoundId('__proto__') && isSoundId('0'))
  for (const id of ['', '.', 'a b', '\u0000', 'é', 'x'.repeat(65)]) assert(!isSoundId(id), id)
})

test('an id of a transaction has one text, a mark one form', () => {
  assert.deepEqual(parseTransactionId('order.0.1.10')?.sequence, 10)
  for (const text of ['order.00.1.1', 'order.0.01.1', 'order.0.1.01', 'stock.0.1.1', 'order.0.1']) {
    assert.equal(parseTransactionId(text), undefined, text)
  }
  assert(isPosition(positionOf(3, 1_045)))
  for (const text of ['', 'zzz', 'a1', 'a1a01', 'b1a1', 'a1a1 ', 'a1b1', '~']) {
    assert(!isPosition(text), text)
  }
})
