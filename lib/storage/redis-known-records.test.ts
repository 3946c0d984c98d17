import assert from 'node:assert/strict'
import { test } from 'node:test'
import { KnownRecords } from './redis-known-records.ts'

/** How many of so many records of this length are known in the end, of the last that were put. */
function knownOf(known: KnownRecords, count: number, length: number): number {
  const text = JSON.stringify('x'.repeat(length - 2))
  for (let n = 0; n < count; n++) known.set(String(n), { record: text, text })
  return Array.from({ length: count }, (_, n) => known.get(String(n))).filter(
    (stored) => stored !== undefined,
  ).length
}

test('what a process keeps does not grow with the number of its servers', () => {
  const count = 200_000
  const [one, many] = [1, 24].map((servers) => knownOf(new KnownRecords('', servers), count, 10))
  assert.ok(one! > 50_000 && one! < count, `${one} of one server`)
  assert.ok(many! > 50_000 / 24 && many! <= one! / 12, `${many} of each of 24`)
})

test('nor with the length of the records', () => {
  const [short, long] = [10, 2_000].map((length) => {
    return length * knownOf(new KnownRecords('', 1), 150_000, length)
  })
  assert.ok(long! < 20_000_000 && short! < 20_000_000, `${short} and ${long} characters`)
})

test('a record that is written again and again counts once', () => {
  const known = new KnownRecords('', 1)
  const text = JSON.stringify('x'.repeat(1_000))
  known.set('rare', { record: 1, text })
  for (let n = 0; n < 100_000; n++) known.set('hot', { record: 1, text })
  assert.notEqual(known.get('rare'), undefined)
  known.set('rare', null)
  assert.equal(known.get('rare'), undefined)
})
