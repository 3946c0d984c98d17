/** Messages survive being bytes; bytes that nobody has encoded are refused in words. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Message } from '../../protocol/messages.ts'
import { decodeMessages, encodeMessages, mostMessages } from './codec.ts'

const seed = 20_260
const text = fc.string({ unit: 'grapheme', maxLength: 40 })
const whole = fc.nat()
const address = fc.record({
  topic: fc.constantFrom('inbox' as const, 'stock' as const),
  partition: fc.nat({ max: 1_000 }),
})
const branch = fc.record({
  service: fc.constantFrom('order' as const, 'stock' as const, 'payment' as const),
  partition: fc.nat({ max: 1_000 }),
  entries: fc.array(fc.record({ id: text, amount: whole }), { maxLength: 5 }),
})
const verb = fc.constantFrom('prepare', 'commit', 'abort', 'execute', 'compensate')
const message = fc.oneof(
  fc.record({ kind: fc.constant('command'), verb, transaction: text, branch, mark: text }),
  fc.record(
    {
      kind: fc.constant('reply'),
      verb,
      transaction: text,
      service: fc.constantFrom('order', 'stock', 'payment'),
      partition: fc.nat({ max: 1_000 }),
      answer: fc.constantFrom('yes', 'refused', 'busy', 'done', 'parked'),
      reason: fc.constantFrom('busy', 'insufficient_stock', 'already_paid'),
    },
    { requiredKeys: ['kind', 'verb', 'transaction', 'service', 'partition', 'answer'] },
  ),
  fc.record({
    kind: fc.constant('inquiry'),
    transaction: text,
    branch,
    undo: fc.constantFrom('abort', 'compensate'),
  }),
  fc.record({ kind: fc.constant('price'), id: text, itemId: text, replyTo: address }),
  fc.record(
    { kind: fc.constant('priced'), id: text, price: whole },
    { requiredKeys: ['kind', 'id'] },
  ),
) as fc.Arbitrary<Message>

const decoded = (records: readonly Buffer[]) =>
  records.flatMap((record) => {
    const result = decodeMessages(record)
    assert.ok('messages' in result, 'refused' in result ? result.refused : '')
    return result.messages
  })

test('what was encoded is decoded equal, in order', () => {
  const property = fc.property(fc.array(message, { maxLength: 20 }), (messages) => {
    // fast-check makes records without a prototype.
    const plain = JSON.parse(JSON.stringify(messages))
    assert.deepEqual(decoded(encodeMessages(plain)), plain)
  })
  fc.assert(property, { seed, numRuns: 2_000 })
})

test('more messages than a record may hold become several records', () => {
  const one: Message = { kind: 'priced', id: 'x' }
  const records = encodeMessages(Array.from({ length: mostMessages + 1 }, () => one))
  assert.equal(records.length, 2)
  assert.equal(decoded(records).length, mostMessages + 1)
})

test('10,000 mutated records: none throws, and what is taken has only right fields', () => {
  const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), cut: fc.boolean() })
  const mutated = fc.tuple(fc.array(message, { minLength: 1, maxLength: 3 }), change)
  let refused = 0
  const property = fc.property(mutated, ([messages, { at, byte, cut }]) => {
    const record = Buffer.from(encodeMessages(messages)[0]!)
    const place = at % record.length
    record[place] = byte
    const result = decodeMessages(cut ? record.subarray(0, place) : record)
    if ('refused' in result) refused++
    else assert.deepEqual(decoded(encodeMessages(result.messages)), result.messages)
  })
  fc.assert(property, { seed, numRuns: 10_000 })
  assert.ok(refused > 5_000, `only ${refused} were refused`)
})
