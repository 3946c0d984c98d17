/**
 * What happens to brokers and records, and what must follow: whatever befell the broker, messages
 * go through again soon after it is back, without a restart of ours; what cannot be read is put
 * aside.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import type { Bus } from '../lib/bus/bus.ts'
import { encodeMessages } from '../lib/bus/codec.ts'
import { linkOptions, parseBrokers, requests } from '../lib/bus/kafka-client.ts'
import { KafkaCluster } from '../lib/bus/kafka-cluster.ts'
import { createTopics } from '../lib/bus/kafka-topics.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'
import { skippedWithoutKafka } from './kafka-here.ts'
import { BrokerForTests, openBus } from './kafka-shop-broker.ts'
import { backWithinMs, price, Traffic } from './kafka-traffic.ts'

const skip = skippedWithoutKafka(process.env)
const sessionMs = 1_500
/** Ms until the bus says that it is usable: what failed last may be told of a moment later. */
async function healthy(bus: Bus): Promise<number> {
  const startedAt = systemClock.now()
  while (!bus.health!().usable) {
    const ms = systemClock.now() - startedAt
    assert.ok(ms < backWithinMs, `after ${ms} ms: ${JSON.stringify(bus.health!())}`)
    await systemClock.sleep(20)
  }
  return systemClock.now() - startedAt
}

/** What one of the bus's counters says. */
function counted(bus: Bus, name: string): number {
  const metric = bus.metrics!.find((each) => each.name === `till_bus_${name}_total`)!
  assert.ok(metric.kind === 'counter')
  return metric.read()[0]!.value
}

/** Puts records as they are into partitions of `stock`, and counts the dead letters. */
async function rawAccess(config: Config) {
  const brokers = parseBrokers(config.kafkaBrokers)
  const cluster = new KafkaCluster(config.kafkaPrefix, brokers, await linkOptions(config))
  await cluster.refresh()
  const withinMs = 10_000
  const topic = cluster.nameOf('stock')
  return {
    async put(partition: number, values: readonly Buffer[]): Promise<void> {
      const link = await cluster.link('test', cluster.leaderOf(topic, partition))
      const records = values.map((value) => ({ topic, partition, value }))
      await link.ask(withinMs, requests.produce, -1, withinMs, records, {})
    },
    async lettersOf(): Promise<number> {
      const name = cluster.nameOf('dead-letter')
      const link = await cluster.link('test', cluster.leaderOf(name, 0))
      const partitions = [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1n }]
      const ends = await link.ask(withinMs, requests.listOffsets, -1, 0, [{ name, partitions }])
      return Number(ends.topics[0]!.partitions[0]!.offset)
    },
    close: () => cluster.close(),
  }
}

describe('a broker', { skip, concurrency: 1 }, async () => {
  if (skip) return
  const broker = await BrokerForTests.start()
  after(() => broker.stop())
  const shop = async () => {
    const config = await broker.shop({ kafkaSessionMs: String(sessionMs) })
    const bus = await openBus(config)
    after(() => bus.close())
    const traffic = await Traffic.over(bus, config)
    await traffic.flows()
    return { config, bus, traffic }
  }

  test('frozen for about a session, it goes on with its members', async (context) => {
    const { traffic } = await shop()
    // Around two thirds, answers come just when the membership is given up.
    const doubtful = Array.from({ length: 16 }, (_, index) => 0.6 + index / 100)
    for (const factor of [...doubtful, 1.1, 2]) {
      broker.signal('SIGSTOP')
      await systemClock.sleep(sessionMs * factor)
      broker.signal('SIGCONT')
      context.diagnostic(
        `frozen for ${sessionMs * factor} ms: back after ${await traffic.flows()} ms`,
      )
    }
  })

  test('killed three times, once down for long: messages go through again', async (context) => {
    const { bus, traffic } = await shop()
    for (const downMs of [0, 500, 15_000]) {
      await broker.kill()
      await systemClock.sleep(downMs)
      if (downMs > sessionMs) assert.equal(bus.health!().usable, false)
      await broker.restart()
      const backMs = (await traffic.flows()).toFixed()
      const healthyMs = (await healthy(bus)).toFixed()
      context.diagnostic(
        `down for ${downMs} ms: back after ${backMs} ms, and health says so ${healthyMs} ms later`,
      )
    }
  })

  test('records that cannot be read are put aside; the next one is handled', async () => {
    const { config, bus, traffic } = await shop()
    const { put, close } = await rawAccess(config)
    const [right] = encodeMessages([price('0')])
    const poison = [
      Buffer.alloc(0),
      Buffer.from('not a record'),
      Buffer.concat([Buffer.from([99]), right!.subarray(1)]),
      right!.subarray(0, right!.length - 3),
      Buffer.concat([right!, Buffer.from('x')]),
      Buffer.concat([Buffer.from([1]), Buffer.from('[{"kind":"price","id":7}]')]),
      Buffer.concat([Buffer.from([1]), Buffer.from([0xff, 0xfe, 0xfd])]),
      Buffer.alloc(900_000, 1),
    ]
    for (const value of poison) await put(0, [value])
    await traffic.flows()
    assert.equal(counted(bus, 'poison_records'), poison.length)
    close()
  })

  test('a flood of records that cannot be read holds up nothing, and is put aside', async () => {
    const { config, bus, traffic } = await shop()
    const { put, close, lettersOf } = await rawAccess(config)
    const [records, inOne, bytes] = [30_000, 1_000, 400]
    const before = counted(bus, 'sent_requests')
    for (let sent = 0; sent < records; sent += inOne) {
      await put(0, Array<Buffer>(inOne).fill(Buffer.alloc(bytes, 2)))
    }
    await traffic.flows()
    assert.equal(counted(bus, 'poison_records'), records)
    assert.equal(counted(bus, 'lost_records'), 0)
    await bus.close()
    assert.equal(await lettersOf(), records - counted(bus, 'dropped'))
    assert.ok(counted(bus, 'sent_requests') - before < records / 10)
    close()
  })
})

describe('a broker behind TLS and SASL/SCRAM', { skip }, async () => {
  if (skip) return
  const directory = mkdtempSync(join(tmpdir(), 'till-kafka-tls-'))
  after(() => rmSync(directory, { recursive: true }))

  test('who has the password gets in, who has not is told which setting is wrong', async () => {
    const [key, cert] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1']
    const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject]
    assert.equal(spawnSync('openssl', [...make, '-keyout', key, '-out', cert]).status, 0)
    const store = join(directory, 'store.pem')
    writeFileSync(store, `${readFileSync(key, 'utf8')}${readFileSync(cert, 'utf8')}`)
    const scram = { username: 'till', password: 'secret' }
    const mechanism = 'SCRAM-SHA-512'
    const broker = await BrokerForTests.start(
      {
        tls: true,
        scram,
        properties: {
          'listener.security.protocol.map': 'CLIENTS:SASL_SSL,CONTROLLER:PLAINTEXT',
          'sasl.enabled.mechanisms': mechanism,
          'sasl.mechanism.inter.broker.protocol': mechanism,
          'listener.name.clients.scram-sha-512.sasl.jaas.config':
            'org.apache.kafka.common.security.scram.ScramLoginModule required ' +
            `username="${scram.username}" password="${scram.password}";`,
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': store,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': cert,
          'ssl.endpoint.identification.algorithm': '',
        },
      },
      {
        kafkaTls: 'true',
        kafkaTlsCa: cert,
        kafkaSaslMechanism: mechanism,
        kafkaUsername: scram.username,
        kafkaPassword: scram.password,
      },
    )
    try {
      const config = await broker.shop()
      const bus = await openBus(config)
      await (await Traffic.over(bus, config)).flows()
      await bus.close()
      const wrong = { ...config, kafkaPassword: 'wrong' }
      await assert.rejects(createTopics(wrong, 300), { message: /KAFKA_SASL_/ })
    } finally {
      await broker.stop()
    }
  })
})
