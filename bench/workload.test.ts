import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../lib/runtime/random.ts'
import { together } from './run.ts'
import { isNumbered, shuffled } from './workload.ts'

test('shuffling keeps every order, once', () => {
  const order = shuffled(1_000, seededRandom(5))
  assert.deepEqual(
    [...order].sort((a, b) => a - b),
    [...Array(1_000).keys()],
  )
  assert.notDeepEqual([...order.slice(0, 5)], [0, 1, 2, 3, 4])
})

test('ids that batch_init gives are known', () => {
  assert.deepEqual(
    ['0', '99', '100', '-1', 'x', ''].map((id) => isNumbered(id, 100)),
    [true, true, false, false, false, false],
  )
})

test('several answers to one order: paid if one says so, refused only if all do', () => {
  const all = (...statuses: number[]) => statuses.reduce(together, 0)
  assert.equal(all(200), 200)
  assert.equal(all(400, 200, 503), 200)
  assert.equal(all(400, 409), 409)
  assert.equal(all(400, 503, 400), 503)
  assert.equal(all(400, -1), 503, 'no answer at all promises nothing')
})
