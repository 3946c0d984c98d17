/** The bus over a real broker passes the suite of every bus, and what only Kafka can get wrong. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { busConformance } from '../lib/bus/conformance.ts'
import { parseBrokers } from '../lib/bus/kafka-client.ts'
import { KafkaCluster } from '../lib/bus/kafka-cluster.ts'
import { createTopics } from '../lib/bus/kafka-topics.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { skippedWithoutKafka } from './kafka-here.ts'
import { BrokerForTests, openBus } from './kafka-shop-broker.ts'

const skip = skippedWithoutKafka(process.env)

describe('bus over Kafka', { skip }, async () => {
  if (skip) return
  const broker = await BrokerForTests.start()
  after(() => broker.stop())

  busConformance('kafka', async () => {
    const config = await broker.shop()
    let instances = 0
    return { partitions: config.partitions, open: () => openBus(config, `i${++instances}`) }
  })

  test('topics are made once; other numbers of partitions are a sentence', async () => {
    const config = broker.config()
    assert.equal((await createTopics(config)).made.length, 7)
    assert.equal((await createTopics(config)).found.length, 7)
    const other = { ...config, partitions: 5 }
    await assert.rejects(createTopics(other), {
      code: 'partitions_differ',
      message: /PARTITIONS=5/,
    })
    await assert.rejects(openBus(other), { code: 'partitions_differ' })
  })

  test('fewer inboxes than are asked for make a bus unusable until they are added', async () => {
    const config = await broker.shop()
    const more = { ...config, kafkaInboxes: config.kafkaInboxes + 1 }
    const bus = await openBus(more)
    assert.match(bus.health!().detail ?? '', /KAFKA_INBOXES=9.*till topics/)
    await createTopics(more)
    const giveUpAt = systemClock.now() + 10_000
    while (!bus.health!().usable) {
      assert.ok(systemClock.now() < giveUpAt, JSON.stringify(bus.health!()))
      await systemClock.sleep(20)
    }
    await bus.close()
  })

  test('where more inboxes are asked for than there are, they are added', async () => {
    const config = await broker.shop()
    const [few, many] = [config.kafkaInboxes, 3 * config.kafkaInboxes]
    const inboxes = async (kafkaInboxes: number) => {
      await createTopics({ ...config, kafkaInboxes })
      const cluster = new KafkaCluster(config.kafkaPrefix, parseBrokers(config.kafkaBrokers), {})
      await cluster.refresh()
      cluster.close()
      return cluster.topic('inbox')?.leaders.length
    }
    assert.equal(await inboxes(few), few)
    // One that an instance has drawn and that is missing would never be read.
    assert.equal(await inboxes(many), many)
    assert.equal(await inboxes(few), many)
  })

  test('a broker that is not there is a sentence for who makes topics', async () => {
    const config = { ...broker.config(), kafkaBrokers: '127.0.0.1:1' }
    await assert.rejects(createTopics(config, 300), {
      code: 'unavailable',
      message: /KAFKA_BROKERS/,
    })
  })
})
