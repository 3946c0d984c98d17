import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { PacedRefusals } from './paced-refusals.ts'

const connections = (count: number) => Array.from({ length: count }, () => new Duplex())

test('a crowd is refused a few at a time, in its order, and others come in between', async () => {
  const refusals = new PacedRefusals()
  const sent: number[] = []
  const crowd = connections(1_000)
  for (const [number, each] of crowd.entries()) {
    void refusals.turn(each).then(() => sent.push(number))
  }
  assert.equal(sent.length, 0)
  const perTurn: number[] = []
  for (let before = 0; sent.length < crowd.length; before = sent.length) {
    await turn()
    perTurn.push(sent.length - before)
  }
  assert(perTurn.length > 10, `${perTurn.length} turns`)
  assert(Math.max(...perTurn) < crowd.length / 10, perTurn.join())
  assert.deepEqual(sent, [...crowd.keys()])
  await refusals.turn(new Duplex())
})

test('what one connection sends without waiting takes its turns between the others', async () => {
  const refusals = new PacedRefusals()
  const [greedy, modest] = connections(2)
  const sent: string[] = []
  const from = (name: string, connection: Duplex) =>
    refusals.turn(connection).then(() => sent.push(name))
  const all = [from('a1', greedy!), from('a2', greedy!), from('a3', greedy!), from('b1', modest!)]
  await Promise.all(all)
  assert.deepEqual(sent, ['a1', 'b1', 'a2', 'a3'])
})

test('those who hang up are not waited for, and nothing of them is kept', async () => {
  const refusals = new PacedRefusals()
  const gone = connections(1_000)
  let told = 0
  for (const each of gone) {
    for (let times = 0; times < 10; times++) void refusals.turn(each).then(() => told++)
  }
  for (const each of gone) each.destroy()
  await once(gone.at(-1)!, 'close')
  assert.equal(refusals.waiting, 0)
  void refusals.turn(gone[0]!).then(() => told++)
  assert.equal(refusals.waiting, 0, 'one that was gone before')
  let isTold = false
  void refusals.turn(new Duplex()).then(() => {
    isTold = true
  })
  await turn()
  assert(isTold)
  assert.equal(told, 0)
})
