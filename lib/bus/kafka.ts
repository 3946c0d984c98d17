/**
 * The bus over Kafka. `./till topics` makes its topics (kafka-topics.ts); one consumer group per
 * topic spreads its partitions over the instances of the service that consumes it.
 *
 * Promise: what bus.ts says. Sending: kafka-producer.ts. Receiving: kafka-consumer.ts, and
 * kafka-inbox.ts for answers. Each of them goes on by itself after the broker was killed, was away
 * for long or came back with less than it had; meanwhile `health` says so and what is sent is lost.
 * Why the client's own consumer is not used: docs/KAFKA.md.
 */
import type { Message, Topic } from '../../protocol/messages.ts'
import type { Timer } from '../runtime/clock.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { type Health, usable } from '../runtime/health.ts'
import { instanceName } from '../runtime/instance-name.ts'
import type { Log } from '../runtime/log.ts'
import type { Metric } from '../runtime/metric.ts'
import { systemRandom } from '../runtime/random.ts'
import { topics } from '../runtime/topology.ts'
import type { Bus, Consumer, Subscription } from './bus.ts'
import { linkOptions, parseBrokers } from './kafka-client.ts'
import { KafkaCluster } from './kafka-cluster.ts'
import { KafkaConsumer } from './kafka-consumer.ts'
import { KafkaInbox } from './kafka-inbox.ts'
import { busMetrics, newCounts } from './kafka-metrics.ts'
import { KafkaProducer } from './kafka-producer.ts'

export type KafkaConfig = Pick<
  Config,
  | 'partitions'
  | 'instance'
  | 'kafkaBrokers'
  | 'kafkaPrefix'
  | 'kafkaInboxes'
  | 'kafkaSaslMechanism'
  | 'kafkaUsername'
  | 'kafkaPassword'
  | 'kafkaTls'
  | 'kafkaTlsCa'
  | 'kafkaSessionMs'
>

/** Those that have as many partitions as the data. */
const partitionedTopics = topics.filter((topic) => topic !== 'inbox')

/** Who leads what is asked anew so often, though nothing failed. */
const refreshEveryMs = 30_000
/** The broker is asked so often while it is away, so that `health` tells of its return. */
const probeEveryMs = 250
/** Trouble with sending is written once in so long. */
const complainEveryMs = 1_000

/**
 * Connects, or goes on trying in the background. Throws ShopError `invalid_settings`, or
 * `partitions_differ` where the topics have other numbers of partitions than the settings.
 */
export async function openKafkaBus(config: KafkaConfig, log: Log): Promise<Bus> {
  const brokers = parseBrokers(config.kafkaBrokers)
  const cluster = new KafkaCluster(config.kafkaPrefix, brokers, await linkOptions(config))
  const bus = new KafkaBus(config, cluster, log)
  await bus.check()
  return bus
}

class KafkaBus implements Bus {
  readonly inbox: { readonly topic: 'inbox'; readonly partition: number }
  readonly metrics: readonly Metric[]
  readonly #config: KafkaConfig
  readonly #cluster: KafkaCluster
  readonly #log: Log
  readonly #producer: KafkaProducer
  readonly #counts = newCounts()
  readonly #consumers = new Map<Topic, KafkaConsumer | KafkaInbox>()
  readonly #timers: readonly Timer[]
  #trouble: string | undefined = 'no broker has answered yet'
  #complainedAt = Number.NEGATIVE_INFINITY
  #closing: Promise<void> | undefined

  constructor(config: KafkaConfig, cluster: KafkaCluster, log: Log) {
    this.#config = config
    this.#cluster = cluster
    this.#log = log
    this.inbox = { topic: 'inbox', partition: systemRandom.integer(config.kafkaInboxes) }
    this.#producer = new KafkaProducer(cluster, (error) => this.#complain(error))
    this.metrics = busMetrics(this.#producer.counts, this.#counts, this.#consumers)
    this.#timers = [
      systemClock.every(refreshEveryMs, () => void this.check().catch(() => {})),
      systemClock.every(probeEveryMs, () => {
        if (this.#trouble !== undefined) void this.check().catch(() => {})
      }),
    ]
  }

  /** Looks whether the topics are there and as the settings say. */
  async check(): Promise<void> {
    try {
      await this.#cluster.refresh()
    } catch (error) {
      this.#complain(error)
      return
    }
    this.#trouble = this.#missing()
    const { partitions } = this.#config
    for (const topic of partitionedTopics) {
      const has = this.#cluster.topic(topic)?.leaders.length
      if (has !== undefined && has !== partitions) {
        this.#trouble = `topic ${topic} has ${has} partitions, PARTITIONS=${partitions}`
        const name = this.#cluster.nameOf(topic)
        throw new ShopError(
          'partitions_differ',
          `Topic ${name} has ${has} partitions and PARTITIONS=${partitions}: they must be equal.`,
        )
      }
    }
  }

  #missing(): string | undefined {
    const missing = topics.filter((topic) => !this.#cluster.topic(topic))
    if (missing.length === 0) return this.#missingInboxes()
    return `topics missing: ${missing.join(', ')}; run ./till topics`
  }

  /** In an inbox that does not exist no answer would ever arrive. */
  #missingInboxes(): string | undefined {
    const { kafkaInboxes } = this.#config
    const has = this.#cluster.topic('inbox')!.leaders.length
    if (has >= kafkaInboxes) return undefined
    return `topic inbox has ${has} partitions, KAFKA_INBOXES=${kafkaInboxes}; run ./till topics`
  }

  send(topic: Topic, partition: number, message: Message): void {
    this.#producer.send(topic, partition, message)
  }

  async consume(topic: Topic, consumer: Consumer): Promise<Subscription> {
    if (this.#consumers.has(topic)) {
      throw new ShopError('internal', `This bus already has a consumer of ${topic}.`)
    }
    const { kafkaSessionMs: sessionMs } = this.#config
    const opening = {
      cluster: this.#cluster,
      producer: this.#producer,
      consumer,
      counts: this.#counts,
      log: this.#log,
    }
    let running: KafkaConsumer | KafkaInbox
    if (topic === 'inbox') {
      const inbox = new KafkaInbox({ ...opening, partition: this.inbox.partition })
      running = inbox
      this.#consumers.set(topic, running)
      await inbox.opened()
    } else {
      const name = instanceName(this.#config)
      running = new KafkaConsumer({ ...opening, topic, instance: name, sessionMs })
      this.#consumers.set(topic, running)
    }
    return {
      close: async () => {
        await running.close()
        if (this.#consumers.get(topic) === running) this.#consumers.delete(topic)
      },
    }
  }

  health(): Health {
    if (this.#trouble !== undefined) return { usable: false, detail: this.#trouble }
    for (const each of this.#consumers.values()) {
      if (each.trouble !== undefined) return { usable: false, detail: each.trouble }
    }
    return usable
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all(Array.from(this.#consumers.values(), (each) => each.close()))
    await this.#producer.close()
    for (const timer of this.#timers) timer.cancel()
    this.#cluster.close()
  }

  #complain(error: unknown): void {
    this.#trouble = error instanceof Error ? error.message : String(error)
    const now = systemClock.now()
    if (now - this.#complainedAt < complainEveryMs || this.#closing !== undefined) return
    this.#complainedAt = now
    this.#log.warn('bus: a broker did not do what was asked', { error })
  }
}
