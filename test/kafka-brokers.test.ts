/**
 * Three brokers of which one falls silent, or comes back and leads again: the messages of every
 * partition go through, those of the other brokers too.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { parseBrokers, requests } from '../lib/bus/kafka-client.ts'
import { KafkaCluster } from '../lib/bus/kafka-cluster.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { skippedWithoutKafka } from './kafka-here.ts'
import { openBus } from './kafka-shop-broker.ts'
import { BrokersForTests } from './kafka-shop-brokers.ts'
import { Traffic } from './kafka-traffic.ts'

const skip = skippedWithoutKafka(process.env)
/** Brokers give leadership back to whom it was first given so often. */
const balanceEveryS = 3
/** Longer than the other brokers wait before they lead what the silent one led. */
const silentMs = 8_000
/** A frozen broker may be the controller too, which the others replace first. */
const replacedWithinMs = 90_000
const balancedWithinMs = 90_000
const answerWithinMs = 2_000

describe('three brokers', { skip, concurrency: 1 }, async () => {
  if (skip) return
  const brokers = await BrokersForTests.start({
    'leader.imbalance.check.interval.seconds': String(balanceEveryS),
  })
  after(() => brokers.stop())
  const config = await brokers.shop()
  const bus = await openBus(config)
  after(() => bus.close())
  const traffic = await Traffic.over(bus, config)
  await traffic.flows()
  const cluster = new KafkaCluster(config.kafkaPrefix, parseBrokers(config.kafkaBrokers), {})
  after(() => cluster.close())

  /** Every partition has all its copies again, and each broker leads some. */
  const balanced = async () => {
    const startedAt = systemClock.now()
    for (;;) {
      const topics = [cluster.nameOf('stock'), '__consumer_offsets']
      const partitions = await cluster
        .anyLink()
        .then((link) => link.ask(answerWithinMs, requests.metadata, topics, false, false))
        .then((answer) => answer.topics.flatMap((topic) => topic.partitions))
        .catch(() => [])
      const leaders = new Set(partitions.map(({ leaderId }) => leaderId))
      if (leaders.size === 3 && partitions.every(({ isrNodes }) => isrNodes.length === 3)) return
      assert.ok(systemClock.now() - startedAt < balancedWithinMs, 'the brokers become whole again')
      await systemClock.sleep(100)
    }
  }

  test('whichever is frozen, the others go on with all partitions', async (context) => {
    for (const index of [0, 1, 2]) {
      await balanced()
      brokers.signal(index, 'SIGSTOP')
      await systemClock.sleep(silentMs)
      const ms = await traffic.flows(replacedWithinMs)
      context.diagnostic(`broker ${index + 1}: ${Math.round(silentMs + ms)} ms after it was frozen`)
      brokers.signal(index, 'SIGCONT')
      await traffic.flows()
    }
  })

  test('a partition whose leader moves is followed, also to a broker that led none', async () => {
    for (const index of [0, 1, 2]) {
      await balanced()
      await brokers.restart(index)
      await balanced()
      await traffic.flows()
    }
  })
})
