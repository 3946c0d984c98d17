/** The bus over a real broker passes the suite of every bus, and what only Kafka can get wrong. */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { busConformance } from '../lib/bus/conformance.ts'
import { createTopics } from '../lib/bus/kafka-topics.ts'
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

  test('fewer inboxes than are asked for are a sentence, more are not', async () => {
    const config = await broker.shop()
    const more = { ...config, kafkaInboxes: config.kafkaInboxes + 1 }
    const told = { code: 'partitions_differ', message: /set KAFKA_INBOXES=8/ }
    await assert.rejects(createTopics(more), told)
    await assert.rejects(openBus(more), told)
    const fewer = { ...config, kafkaInboxes: 1 }
    assert.equal((await createTopics(fewer)).found.length, 7)
    await (await openBus(fewer)).close()
  })

  test('a broker that is not there is a sentence for who makes topics', async () => {
    const config = { ...broker.config(), kafkaBrokers: '127.0.0.1:1' }
    await assert.rejects(createTopics(config, 300), {
      code: 'unavailable',
      message: /KAFKA_BROKERS/,
    })
  })
})
