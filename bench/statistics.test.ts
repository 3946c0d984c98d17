import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../lib/runtime/random.ts'
import { median, medianInterval } from './statistics.ts'

test('the median is the middle, or between the two middles', () => {
  assert.equal(median([3, 1, 2]), 2)
  assert.equal(median([4, 1, 3, 2]), 2.5)
  assert.equal(median([7]), 7)
})

test('four values say nothing of how sure their median is', () => {
  assert.equal(medianInterval([1, 2, 3, 4], seededRandom(1)), undefined)
})

test('an interval holds the median, and is narrow where values agree', () => {
  const values = [0.98, 1.01, 1.0, 1.02, 0.99]
  const { low, high } = medianInterval(values, seededRandom(1))!
  assert.ok(low <= 1 && high >= 1 && high - low < 0.05, `${low} to ${high}`)
  const same = medianInterval([2, 2, 2, 2, 2], seededRandom(1))
  assert.deepEqual(same, { low: 2, high: 2 })
})
