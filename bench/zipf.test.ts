import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { seededRandom } from '../lib/runtime/random.ts'
import { usualExponent, zipfDraw } from './zipf.ts'

function frequencies(count: number, exponent: number, draws: number): Float64Array {
  const draw = zipfDraw(count, exponent, seededRandom(3))
  const drawn = new Float64Array(count)
  for (let index = 0; index < draws; index++) drawn[draw()]! += 1 / draws
  return drawn
}

test('ranks come as often as the law says', () => {
  const drawn = frequencies(1_000, usualExponent, 500_000)
  for (const rank of [0, 1, 2, 9, 99]) {
    const right = 1 / (rank + 1) ** usualExponent
    const share = drawn[rank]! / drawn[0]!
    assert.ok(Math.abs(share / right - 1) < 0.15, `rank ${rank}: ${share}, not ${right}`)
  }
})

test('an exponent of nearly 0 is uniform', () => {
  const drawn = frequencies(10, 1e-9, 100_000)
  for (const share of drawn) assert.ok(Math.abs(share - 0.1) < 0.01)
})

test('every draw is a rank', () => {
  const next = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  const exponent = fc.double({ min: 0.01, max: 3, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 200 }), exponent, next, (count, exponent, value) => {
      const rank = zipfDraw(count, exponent, { ...seededRandom(1), next: () => value })()
      assert.ok(Number.isInteger(rank) && rank >= 0 && rank < count)
    }),
  )
})

test('chance 0 draws the first rank, the largest chance the last', () => {
  const at = (value: number) => zipfDraw(5, 1, { ...seededRandom(1), next: () => value })()
  assert.equal(at(0), 0)
  assert.equal(at(1 - 2 ** -53), 4)
})
