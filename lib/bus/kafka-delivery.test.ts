import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../protocol/messages.ts'
import { createLog } from '../runtime/log.ts'
import { encodeMessages } from './codec.ts'
import { KafkaDelivery } from './kafka-delivery.ts'
import { newCounts } from './kafka-metrics.ts'
import type { DeadLetter, KafkaProducer } from './kafka-producer.ts'

const message: Message = { kind: 'priced', id: 'a', price: 1 }
const [record] = encodeMessages([message])
const partition = 0

/** A delivery to `receive`, of a partition that is held until it is let go. */
function deliveryTo(receive: () => Promise<void>) {
  const letters: DeadLetter[] = []
  const held = new Set([partition])
  const counts = newCounts()
  const delivery = new KafkaDelivery({
    topic: 'inbox',
    consumer: { receive },
    producer: { bury: (letter: DeadLetter) => void letters.push(letter) } as KafkaProducer,
    counts,
    log: createLog('silent'),
    isHeld: (each) => held.has(each),
  })
  return { delivery, letters, counts, letGo: () => held.clear() }
}

test('what failed when the partition was let go is left to its next owner', async () => {
  const { delivery, letGo } = deliveryTo(async () => {
    letGo()
    throw new Error('not now')
  })
  let done = 0
  delivery.deliver(partition, [{ offset: 7n, value: record! }], () => done++)
  await delivery.idle()
  assert.equal(done, 0)
})

test('what was handled is done', async () => {
  const { delivery } = deliveryTo(async () => {})
  let done = 0
  delivery.deliver(partition, [{ offset: 7n, value: record! }], () => done++)
  await delivery.idle()
  assert.equal(done, 1)
})

test('a letter says where its record lay, and keeps none of what was fetched with it', async () => {
  const { delivery, letters, counts } = deliveryTo(async () => assert.fail('nothing to receive'))
  const fetched = Buffer.alloc(10_000_000, 'x')
  let done = 0
  const records = [
    { offset: 7n, value: fetched.subarray(0, 10) },
    { offset: 8n, value: null },
    { offset: 9n, value: fetched.subarray(0, 900_000) },
  ]
  delivery.deliver(partition, records, () => done++)
  assert.equal(done, 1)
  assert.equal(counts.poison, records.length)
  assert.deepEqual(
    letters.map(({ value }) => value.length),
    [10, 0, 100_000],
  )
  for (const { value } of letters) assert.notEqual(value.buffer, fetched.buffer)
  const headers = Array.from(letters[1]!.headers, ([name, text]) => `${name}=${text}`)
  assert.deepEqual(headers.slice(0, 3), ['topic=inbox', 'partition=0', 'offset=8'])
})
