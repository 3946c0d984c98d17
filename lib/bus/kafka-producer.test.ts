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

/** Brokers that answer each produce request with these codes, by partition. */
function answering(...answers: Readonly<Record<number, number>>[]) {
  const asked: (readonly { partition: number }[])[] = []
  const cluster = {
    nameOf: (topic: string) => topic,
    leaderOf: () => 0,
    link: async () => ({
      async ask(
        ...[, , , , records]: [unknown, unknown, unknown, unknown, { partition: number }[]]
      ) {
        asked.push(records)
        const codes = answers.shift() ?? {}
        const partitionResponses = records.map(({ partition: index }) => ({
          index,
          errorCode: codes[index] ?? 0,
        }))
        const errors = partitionResponses.flatMap(({ errorCode: apiCode }) =>
          apiCode === 0 ? [] : [{ apiCode }],
        )
        if (errors.length === 0) return
        const response = { responses: [{ name: 'stock', partitionResponses }] }
        throw Object.assign(new Error('refused'), { errors, response })
      },
    }),
    refresh: async () => {},
  }
  return { asked, cluster: cluster as unknown as KafkaCluster }
}

const notLeader = 6
const tooLarge = 10

test('of one request what moved is sent again, and only what was refused is lost', async () => {
  const troubles: unknown[] = []
  const moved = answering({ 1: notLeader })
  const producer = new KafkaProducer(moved.cluster, (error) => void troubles.push(error))
  for (const partition of [0, 1, 2, 3]) producer.send('stock', partition, message)
  await producer.close()
  assert.deepEqual(
    moved.asked.map((records) => records.map(({ partition }) => partition)),
    [[0, 1, 2, 3], [1]],
  )
  assert.equal(producer.counts.lost, 0)
  assert.equal(troubles.length, 0)

  const refused = answering({ 1: notLeader, 2: tooLarge })
  const other = new KafkaProducer(refused.cluster, (error) => void troubles.push(error))
  for (const partition of [0, 1, 2, 3]) other.send('stock', partition, message)
  await other.close()
  assert.equal(refused.asked.length, 2)
  assert.equal(other.counts.lost, 1)
  assert.equal(troubles.length, 1)
})

test('dead letters wait for each other, up to a limit, and hold up no message', async () => {
  const { asked, speak, cluster } = brokers(0)
  const producer = new KafkaProducer(cluster, (error) => assert.fail(String(error)))
  const [letters, bytes] = [30_000, 400]
  for (let number = 0; number < letters; number++) {
    producer.bury({ value: Buffer.alloc(bytes), headers: new Map() })
  }
  const { dropped } = producer.counts
  const kept = letters - dropped
  assert.ok(kept < (8 * 1024 * 1024) / bytes && kept > 10_000, `${kept} kept`)
  producer.send('stock', 0, message)
  await setImmediate()
  await setImmediate()
  assert.deepEqual(asked, [2, 0], 'one letter, and the message')
  speak()
  await producer.close()
  assert.equal(producer.counts.records, kept + 1)
  const room = 9
  assert.ok(asked[0]! <= 2 + room, `${asked[0]} requests`)
})
