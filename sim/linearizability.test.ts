/** The judge of histories, on good ones, on ones with a planted lie, and against every order. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import { type Call, judge } from './linearizability.ts'

const call = (
  kind: Call['kind'],
  amount: number,
  from: number,
  to: number,
  told?: number,
): Call => ({
  kind,
  amount,
  calledAt: from,
  answeredAt: to,
  told,
  isOptional: to === Infinity,
  name: `${kind} ${amount}`,
})
const read = (told: number, from: number, to: number) => call('read', 0, from, to, told)
const add = (amount: number, from: number, to: number, told?: number) =>
  call('change', amount, from, to, told)
const refused = (amount: number, from: number, to: number) => call('refused', amount, from, to)

const good: Readonly<Record<string, readonly Call[]>> = {
  'nothing at all': [],
  'one after the other': [add(5, 0, 1, 15), read(15, 2, 3), add(-15, 4, 5, 0), refused(1, 6, 7)],
  'a read that overlaps an add sees either': [add(5, 0, 9), read(10, 1, 2), read(15, 3, 4)],
  'two adds at once, each with a sum of its own': [add(1, 0, 9, 12), add(1, 0, 9, 11)],
  'an add without an answer that happened': [add(5, 0, Infinity), read(10, 1, 2), read(15, 3, 4)],
  'an add without an answer that did not happen': [add(5, 0, Infinity), read(10, 100, 101)],
  'refused while another had taken': [
    add(-8, 0, 5),
    refused(5, 1, 9),
    add(8, 6, 9),
    read(10, 10, 11),
  ],
  'taken and given back by a saga': [add(-10, 1, 1), refused(1, 0, 9), add(10, 4, 4)],
  'answers at the moment of another call': [add(5, 0, 1), read(10, 1, 2)],
}

const bad: Readonly<Record<string, readonly Call[]>> = {
  'a value that never was': [add(5, 0, 1), read(12, 0, 3)],
  'a stale read': [add(5, 0, 1), read(10, 2, 3)],
  'a read from the future': [read(15, 0, 1), add(5, 2, 3)],
  'reads that go back': [add(5, 0, 9), read(15, 1, 2), read(10, 3, 4)],
  'two adds with the same sum': [add(1, 0, 9, 12), add(1, 0, 9, 12)],
  'an add that was lost': [add(5, 0, 1), add(5, 0, 1), read(15, 2, 3)],
  'an add that happened twice': [add(5, 0, 1), read(20, 2, 3)],
  'refused though it was there all the time': [refused(10, 0, 9), add(1, 3, 4)],
  'below zero': [add(-6, 0, 9), add(-6, 0, 9)],
  'an unanswered add that happens, and is undone': [
    add(5, 0, Infinity),
    read(15, 1, 2),
    read(10, 3, 4),
  ],
}

for (const [name, calls] of Object.entries(good)) {
  test(`good: ${name}`, () => assert.equal(judge(calls, 10, 1_000), 'linearizable'))
}
for (const [name, calls] of Object.entries(bad)) {
  test(`bad: ${name}`, () => assert.equal(judge(calls, 10, 1_000), 'not linearizable'))
}

/** Calls as they would be, some with a lie; each happens at one moment. */
function drawn(random: Random, count: number, lies: number): Call[] {
  let value = 10
  const moments = Array.from({ length: count }, (_, index) => index * 2 + 1)
  return moments.map((at) => {
    const [from, to] = [at - random.integer(6), at + random.integer(6)]
    const isLost = random.integer(5) === 0
    const lie = random.next() < lies ? 1 + random.integer(3) : 0
    if (random.integer(3) === 0) return read(value + lie, from, to)
    const amount = random.integer(9) - 4
    if (value + amount < 0) return lie ? read(-1, from, to) : refused(-amount, from, to)
    const happens = !isLost || random.integer(2) === 0
    if (happens) value += amount
    if (isLost) return add(amount, from, Infinity)
    return add(amount, from, to, random.integer(2) === 0 ? value + lie : undefined)
  })
}

/** Every order that keeps to the times, one by one. */
function tryAll(calls: readonly Call[], value: number): boolean {
  if (calls.every(({ isOptional }) => isOptional)) return true
  return calls.some((each, index) => {
    const others = calls.filter((_, other) => other !== index)
    if (others.some((other) => !other.isOptional && other.answeredAt < each.calledAt)) return false
    const next = value + each.amount
    if (each.kind === 'refused') return value < each.amount && tryAll(others, value)
    if (next < 0 || (each.told !== undefined && each.told !== next)) return false
    return tryAll(others, next)
  })
}

test('histories that happened are linearizable, also long ones', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const calls = drawn(seededRandom(seed), 5 + (seed % 60), 0)
    assert.equal(judge(calls, 10, 100_000), 'linearizable', `seed ${seed}`)
  }
})

test('3,000 short histories, half with lies: the same verdict as trying every order', () => {
  const verdicts = { good: 0, bad: 0 }
  for (let seed = 1; seed <= 3_000; seed++) {
    const calls = drawn(seededRandom(seed), 1 + (seed % 7), seed % 2 === 0 ? 0.3 : 0)
    const isGood = tryAll(calls, 10)
    verdicts[isGood ? 'good' : 'bad']++
    assert.equal(
      judge(calls, 10, 100_000),
      isGood ? 'linearizable' : 'not linearizable',
      `seed ${seed}: ${JSON.stringify(calls)}`,
    )
  }
  assert(verdicts.bad > 300 && verdicts.good > 300, JSON.stringify(verdicts))
})

test('a search that would take too long claims nothing', () => {
  const calls = Array.from({ length: 12 }, (_, index) => add(1 + index, 0, 1))
  assert.equal(judge([...calls, read(1_000, 2, 3)], 10, 500), 'not decided')
})
