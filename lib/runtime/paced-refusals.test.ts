import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { PacedRefusals } from './paced-refusals.ts'

test('a crowd is refused a few at a time, in its order, and others come in between', async () => {
  const refusals = new PacedRefusals()
  const sent: number[] = []
  const crowd = 1_000
  for (let number = 0; number < crowd; number++) void refusals.turn().then(() => sent.push(number))
  assert.equal(sent.length, 0)
  const perTurn: number[] = []
  for (let before = 0; sent.length < crowd; before = sent.length) {
    await turn()
    perTurn.push(sent.length - before)
  }
  assert(perTurn.length > 10, `${perTurn.length} turns`)
  assert(Math.max(...perTurn) < crowd / 10, perTurn.join())
  assert.deepEqual(sent, [...Array(crowd).keys()])
  await refusals.turn()
})
