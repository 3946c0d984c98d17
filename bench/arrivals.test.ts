import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../lib/runtime/random.ts'
import { planArrivals } from './arrivals.ts'

const first = (count: number, kind: 'constant' | 'poisson', perSecond: number): number[] => [
  ...planArrivals(kind, perSecond, seededRandom(7)).take(count),
]

test('constant arrivals are evenly spaced, from the start', () => {
  assert.deepEqual(first(4, 'constant', 400), [0, 2.5, 5, 7.5])
})

test('constant arrivals do not drift: each is planned by itself', () => {
  assert.equal(first(30_001, 'constant', 3_000).at(-1), 10_000)
})

test('Poisson arrivals ascend and come as often as was asked for', () => {
  const count = 100_000
  const times = first(count, 'poisson', 1_000)
  assert.ok(times.every((time, index) => time > (times[index - 1] ?? 0)))
  assert.ok(Math.abs(times.at(-1)! / count - 1) < 0.02, `${times.at(-1)} ms for ${count}`)
})

test('the pauses of Poisson arrivals vary as they must: mean equals standard deviation', () => {
  const times = first(100_000, 'poisson', 1_000)
  const pauses = times.map((time, index) => time - (times[index - 1] ?? 0))
  const mean = pauses.reduce((sum, each) => sum + each, 0) / pauses.length
  const variance = pauses.reduce((sum, each) => sum + (each - mean) ** 2, 0) / pauses.length
  assert.ok(Math.abs(Math.sqrt(variance) / mean - 1) < 0.02)
})

test('the same seed plans the same arrivals', () => {
  assert.deepEqual(first(50, 'poisson', 100), first(50, 'poisson', 100))
})
