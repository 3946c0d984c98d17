import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ResendPace } from './resend-pace.ts'

const due = (...times: number[]) => times.map((resendAt) => ({ resendAt }))

test('without an answer two are resent in a tick, those that are due for the longest time', () => {
  const pace = new ResendPace()
  assert.deepEqual(pace.choose(due(5, 3, 9, 1)), due(1, 3))
  assert.deepEqual(pace.choose([]), [])
})

test('each sixteen replies allow one more, in the next tick only', () => {
  const pace = new ResendPace()
  for (let reply = 0; reply < 33; reply++) pace.hear()
  assert.deepEqual(pace.choose(due(5, 3, 9, 1, 7)), due(1, 3, 5, 7))
  assert.deepEqual(pace.choose(due(5, 3, 9, 1, 7)), due(1, 3))
})

test('of any number that are due each gets its turn', () => {
  const pace = new ResendPace()
  const waiting = due(...Array.from({ length: 101 }, (_, index) => index))
  const resent = new Set<object>()
  for (let tick = 0; tick < 51; tick++) {
    for (const each of pace.choose(waiting)) {
      resent.add(each)
      each.resendAt = 1_000 + tick
    }
  }
  assert.equal(resent.size, waiting.length)
})
