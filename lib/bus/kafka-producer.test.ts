import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import type { Message } from '../../protocol/messages.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { KafkaProducer } from './kafka-producer.ts'

const message: Message = { kind: 'priced', id: 'a', price: 1 }

/** Two brokers, each of which leads the partition of its number; one is silent until it is told. */
function brokers(silent: number) {
  const asked = [0, 0]
  const speaks = Promise.withResolvers<void>()
  const cluster = {
    nameOf: (topic: string) => topic,
    leaderOf: (_topic: string, partition: number) => partition,
    link: async (_purpose: string, leader: number) => ({
      async ask() {
        asked[leader]!++
        if (leader === silent) await speaks.promise
      },
    }),
    refresh: async () => {},
  }
  return { asked, speak: speaks.resolve, cluster: cluster as unknown as KafkaCluster }
}

test('a broker that is silent is asked twice, and holds up no other', async () => {
  const { asked, speak, cluster } = brokers(0)
  const producer = new KafkaProducer(cluster, (error) => assert.fail(String(error)))
  const rounds = 20
  for (let round = 0; round < rounds; round++) {
    for (const partition of [0, 1]) producer.send('stock', partition, message)
    await setImmediate()
    await setImmediate()
  }
  assert.deepEqual(asked, [2, rounds])
  speak()
  await producer.close()
  assert.deepEqual(asked, [3, rounds], 'what had gathered meanwhile is one request')
  assert.equal(producer.counts.messages, 2 * rounds)
  assert.equal(producer.counts.lost, 0)
})
