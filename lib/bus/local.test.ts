import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { busConformance } from './conformance.ts'
import { openLocalBus } from './local.ts'

busConformance('local', async () => ({
  partitions: 3,
  open: async () => openLocalBus({ partitions: 3, onError: () => {} }),
}))

test('a full queue drops and counts, and delivers the rest', async () => {
  const bus = openLocalBus({ partitions: 1, queueLimit: 10, onError: () => {} })
  let received = 0
  const receive = (_: number, messages: readonly unknown[]) => {
    received += messages.length
  }
  await bus.consume('stock', { receive })
  const message = { kind: 'priced', id: 'p' } as const
  for (let index = 0; index < 25; index++) bus.send('stock', 0, message)
  await systemClock.sleep(1)
  assert.equal(received, 10)
  assert.equal(bus.dropped, 15)
})

test('two consumers of one topic are a mistake', async () => {
  const bus = openLocalBus({ partitions: 1, onError: () => {} })
  await bus.consume('stock', { receive: () => {} })
  await assert.rejects(bus.consume('stock', { receive: () => {} }), { code: 'internal' })
})
