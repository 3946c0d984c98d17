/**
 * The topics of the bus, made by the launcher or an init job (`./till topics`), never by a service.
 *
 * Promise: running it again changes nothing, but that inboxes are added where more are asked for;
 * other topics with another number of partitions are a sentence, because records would go to other
 * partitions than their data.
 */
import { systemClock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { codes, codesOf, linkOptions, parseBrokers, requests, responseOf } from './kafka-client.ts'
import { KafkaCluster, type KafkaTopic, kafkaTopics } from './kafka-cluster.ts'

type CreateTopicsAnswer = Awaited<ReturnType<typeof requests.createTopics.async>>

const createWithinMs = 30_000
const tryEveryMs = 250

/** What lies on the bus is worth nothing after a while: whoever needs an answer asks again. */
const keptMs = 600_000
/** Of each partition, lest a broker that is busy for long fills its disk, which ends it. */
const keptBytes = 32 * 1024 * 1024
const segmentBytes = 16 * 1024 * 1024
/** What a partition takes of a broker's disk; the broker looks at it only now and then. */
export const mostBytesOfPartition = keptBytes + segmentBytes

const partitionsOf = (topic: KafkaTopic, config: Config) => {
  if (topic === 'inbox') return config.kafkaInboxes
  return topic === 'dead-letter' ? 1 : config.partitions
}

function settingsOf(topic: KafkaTopic, replication: number): Readonly<Record<string, string>> {
  const isKept = topic === 'dead-letter'
  return {
    'min.insync.replicas': replication >= 3 ? '2' : '1',
    'cleanup.policy': 'delete',
    'retention.ms': String(isKept ? 7 * 24 * 3_600_000 : keptMs),
    'retention.bytes': String(keptBytes),
    'segment.ms': String(isKept ? 24 * 3_600_000 : keptMs),
    'segment.bytes': String(segmentBytes),
    // A record that came compressed is unpacked by the broker, which refuses it if it is broken.
    'compression.type': 'uncompressed',
    'message.timestamp.type': 'LogAppendTime',
    'unclean.leader.election.enable': 'false',
  }
}

/**
 * Makes the topics that are missing, and resolves when all of them can be used. Waits for brokers
 * that are still starting, up to `withinMs`.
 * Throws ShopError `unavailable`, or `partitions_differ`. After a crash in it: run it again.
 */
export async function createTopics(
  config: Config,
  withinMs: number = createWithinMs,
): Promise<{ readonly made: readonly string[]; readonly found: readonly string[] }> {
  const brokers = parseBrokers(config.kafkaBrokers)
  const cluster = new KafkaCluster(config.kafkaPrefix, brokers, await linkOptions(config))
  try {
    const giveUpAt = systemClock.now() + withinMs
    let topics: Awaited<ReturnType<typeof createMissing>> | undefined
    for (;;) {
      try {
        topics ??= await createMissing(cluster, config)
        await requireLed(cluster)
        return topics
      } catch (error) {
        if (error instanceof ShopError) throw error
        if (systemClock.now() >= giveUpAt) throw notMade(config, error)
        await systemClock.sleep(tryEveryMs)
      }
    }
  } finally {
    cluster.close()
  }
}

async function createMissing(cluster: KafkaCluster, config: Config) {
  await cluster.refresh()
  const missing = kafkaTopics.filter((topic) => cluster.topic(topic) === undefined)
  const found = kafkaTopics.filter((topic) => !missing.includes(topic))
  for (const topic of found) {
    const has = cluster.topic(topic)!.leaders.length
    const wanted = partitionsOf(topic, config)
    if (topic === 'inbox') await growInboxes(cluster, has, wanted)
    else if (has !== wanted) throw differ(cluster.nameOf(topic), has, wanted)
  }
  if (missing.length > 0) {
    const link = await cluster.anyLink()
    const wanted = missing.map((topic) => ({
      name: cluster.nameOf(topic),
      numPartitions: partitionsOf(topic, config),
      replicationFactor: config.kafkaReplication,
      assignments: [],
      configs: Object.entries(settingsOf(topic, config.kafkaReplication)).map(([name, value]) => ({
        name,
        value,
      })),
    }))
    await link
      .ask(createWithinMs, requests.createTopics, wanted, createWithinMs, false)
      .catch(unlessThere)
  }
  const nameOf = (topic: KafkaTopic) => cluster.nameOf(topic)
  return { made: missing.map(nameOf), found: found.map(nameOf) }
}

/** More than asked for do no harm; one that an instance draws and that is missing is never read. */
async function growInboxes(cluster: KafkaCluster, has: number, wanted: number): Promise<void> {
  if (has >= wanted) return
  const link = await cluster.anyLink()
  const topic = { name: cluster.nameOf('inbox'), count: wanted, assignments: null }
  await link.ask(createWithinMs, requests.createPartitions, [topic], createWithinMs, false)
}

/** Every partition answers at the broker that leads it: what is sent from now on is kept. */
async function requireLed(cluster: KafkaCluster): Promise<void> {
  await cluster.refresh()
  for (const topic of kafkaTopics) {
    const leaders = cluster.topic(topic)?.leaders ?? []
    if (leaders.length === 0) throw new Error(`Topic ${cluster.nameOf(topic)} is not known yet.`)
    const partitions = Map.groupBy(leaders.keys(), (partition) => leaders[partition]!)
    for (const [leader, led] of partitions) {
      const link = await cluster.link('topics', leader)
      const wanted = led.map((partitionIndex) => ({
        ...{ partitionIndex, currentLeaderEpoch: -1 },
        timestamp: -1n,
      }))
      await link.ask(createWithinMs, requests.listOffsets, -1, 0, [
        { name: cluster.nameOf(topic), partitions: wanted },
      ])
    }
  }
}

/** Another job may have been faster. */
function unlessThere(error: unknown): void {
  if (codesOf(error).every((code) => code === codes.topicAlreadyExists) && isAnswer(error)) return
  const answer = responseOf<CreateTopicsAnswer>(error)
  const why = answer?.topics.find(({ errorMessage }) => errorMessage)?.errorMessage
  throw why ? new Error(why, { cause: error }) : error
}

const isAnswer = (error: unknown) => codesOf(error).length > 0

const differ = (name: string, has: number, wanted: number) =>
  new ShopError(
    'partitions_differ',
    `Topic ${name} has ${has} partitions and PARTITIONS=${wanted}: set PARTITIONS=${has}, ` +
      'or give the shop another KAFKA_PREFIX and empty databases.',
  )

const notMade = (config: Config, error: unknown) =>
  new ShopError(
    'unavailable',
    `The topics could not be made at KAFKA_BROKERS=${config.kafkaBrokers}: ` +
      `${reasonOf(error)} Look whether it runs, and KAFKA_REPLICATION and KAFKA_SASL_*.`,
    error,
  )

const reasonOf = (error: unknown) => {
  const { message, cause } = error as Error
  const deeper = cause instanceof Error ? ` ${cause.message}` : ''
  return `${message}${deeper}`.replace(/([^.])$/, '$1.')
}
