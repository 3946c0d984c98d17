/**
 * The brokers: who leads which partition, and links to them, one for each purpose, so that a
 * request that waits (a fetch, a join) holds up no other.
 *
 * Promise: a link that was closed is opened anew when it is next asked for; a broker that cannot be
 * reached is not tried again for a moment. What is known of leaders is asked anew when told to,
 * each time of another broker: one that is frozen, or cut off, is not believed for ever.
 */
import type { Topic } from '../../protocol/messages.ts'
import { systemClock } from '../runtime/clock.ts'
import { topics } from '../runtime/topology.ts'
import {
  type BrokerAddress,
  codes,
  codesOf,
  KafkaLink,
  type LinkOptions,
  requests,
  responseOf,
} from './kafka-client.ts'

export type KafkaTopic = Topic | 'dead-letter'

export const kafkaTopics: readonly KafkaTopic[] = [...topics, 'dead-letter']

export interface KnownTopic {
  readonly id: string
  /** Broker id that leads each partition; negative where nobody does. */
  readonly leaders: readonly number[]
}

const answerWithinMs = 2_000
/** A broker that refused a connection is left alone for so long. */
const restMs = 100

export class KafkaCluster {
  readonly prefix: string
  readonly #bootstrap: readonly BrokerAddress[]
  readonly #options: LinkOptions
  #brokers = new Map<number, BrokerAddress>()
  #topics = new Map<KafkaTopic, KnownTopic>()
  /** By the name at the broker. */
  #leaders = new Map<string, readonly number[]>()
  readonly #links = new Map<string, Promise<KafkaLink>>()
  readonly #restUntil = new Map<string, number>()
  readonly #listeners = new Set<() => void>()
  /** Counts what any broker may answer. */
  #asked = 0
  #refreshing: Promise<void> | undefined
  #isClosed = false

  constructor(prefix: string, bootstrap: readonly BrokerAddress[], options: LinkOptions) {
    this.prefix = prefix
    this.#bootstrap = bootstrap
    this.#options = options
  }

  /** The name of a topic, and of the group of those who consume it, at the broker. */
  nameOf(topic: KafkaTopic): string {
    return `${this.prefix}.${topic}`
  }

  /** Undefined: not known, or it does not exist. */
  topic(topic: KafkaTopic): KnownTopic | undefined {
    return this.#topics.get(topic)
  }

  /** `listener` hears of each answer about who leads what, until what is returned is called. */
  onRefreshed(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /**
   * Asks anew who leads what; calls at once share one answer. Rejects where no broker answers, or
   * one says that a topic may not be used.
   */
  refresh(): Promise<void> {
    this.#refreshing ??= this.#refresh().finally(() => {
      this.#refreshing = undefined
    })
    return this.#refreshing
  }

  async #refresh(): Promise<void> {
    const names = kafkaTopics.map((topic) => this.nameOf(topic))
    const answer = await this.#askAny((link) =>
      link.ask(answerWithinMs, requests.metadata, names, false, false),
    ).catch((error) => {
      // Topics that are missing are told among those that are there.
      const response = responseOf<Awaited<ReturnType<typeof requests.metadata.async>>>(error)
      if (response === undefined) throw error
      return response
    })
    this.#brokers = new Map(
      answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]),
    )
    const topics = new Map<KafkaTopic, KnownTopic>()
    for (const { name, topicId: id, partitions, errorCode } of answer.topics) {
      if (errorCode === codes.unknownTopicOrPartition) continue
      if (errorCode !== 0) throw new Error(unusable(name, errorCode))
      const leaders: number[] = []
      for (const each of partitions) leaders[each.partitionIndex] = each.leaderId
      const topic = kafkaTopics.find((each) => this.nameOf(each) === name)
      if (topic !== undefined) topics.set(topic, { id, leaders })
    }
    this.#topics = topics
    this.#leaders = new Map(Array.from(topics, ([of, { leaders }]) => [this.nameOf(of), leaders]))
    for (const listener of this.#listeners) listener()
  }

  /** The broker that leads a partition of the topic with this name; -1: not known. */
  leaderOf(name: string, partition: number): number {
    return this.#leaders.get(name)?.[partition] ?? -1
  }

  /** A link to any broker that can be reached. */
  anyLink(): Promise<KafkaLink> {
    return this.#askAny(async (link) => link)
  }

  /** What the first broker says that answers: a frozen one takes connections, and is silent. */
  async #askAny<R>(ask: (link: KafkaLink) => Promise<R>): Promise<R> {
    const known = [...this.#brokers.values(), ...this.#bootstrap]
    const addresses = [...new Map(known.map((each) => [placeOf(each), each])).values()]
    const first = this.#asked++ % addresses.length
    let last: unknown
    for (const address of [...addresses.slice(first), ...addresses.slice(0, first)]) {
      try {
        return await ask(await this.#linkTo('any', address))
      } catch (error) {
        if (responseOf(error) !== undefined) throw error
        last = error
      }
    }
    throw last
  }

  /** Rejects where this broker is unknown or cannot be reached. */
  async link(purpose: string, broker: number): Promise<KafkaLink> {
    const address = this.#brokers.get(broker)
    if (address === undefined) throw new Error(`Broker ${broker} is not known.`)
    return this.#linkTo(purpose, address)
  }

  /** The broker that runs a group. */
  async coordinatorOf(group: string, purpose: string): Promise<KafkaLink> {
    const groupKey = 0
    const answer = await this.#askAny((link) =>
      link.ask(answerWithinMs, requests.findCoordinator, groupKey, [group]),
    )
    const found = answer.coordinators[0]
    if (found === undefined) throw new Error(`No broker runs the group ${group}.`)
    return this.#linkTo(purpose, found)
  }

  close(): void {
    this.#isClosed = true
    for (const opening of this.#links.values()) {
      opening.then(
        (link) => link.close(),
        () => {},
      )
    }
    this.#links.clear()
  }

  async #linkTo(purpose: string, address: BrokerAddress): Promise<KafkaLink> {
    if (this.#isClosed) throw new Error('The bus is closed.')
    const place = placeOf(address)
    const key = `${purpose}@${place}`
    const known = this.#links.get(key)
    if (known !== undefined) {
      const link = await known
      if (!link.isClosed) return link
      if (this.#links.get(key) === known) this.#links.delete(key)
      return this.#linkTo(purpose, address)
    }
    if (systemClock.now() < (this.#restUntil.get(place) ?? 0)) {
      throw new Error(`Broker ${place} could not be reached a moment ago.`)
    }
    const opening = KafkaLink.open(address, this.#options)
    this.#links.set(key, opening)
    try {
      const link = await opening
      if (this.#isClosed) link.close()
      return link
    } catch (error) {
      if (this.#links.get(key) === opening) this.#links.delete(key)
      this.#restUntil.set(place, systemClock.now() + restMs)
      throw error
    }
  }
}

const placeOf = ({ host, port }: BrokerAddress) => `${host}:${port}`

function unusable(name: string | null | undefined, errorCode: number): string {
  const why =
    errorCode === codes.topicAuthorizationFailed
      ? 'this user may not describe it: KAFKA_USERNAME, and the ACLs of the brokers'
      : `the broker answers with error ${errorCode}`
  return `Topic ${name} cannot be used: ${why}.`
}

/** Whether what failed means that somebody else leads or coordinates now. */
export const isElsewhere = (error: unknown) => codesOf(error).some((code) => elsewhere.has(code))

/** Codes that mean it. */
export const elsewhere: ReadonlySet<number> = new Set([3, 5, 6, 14, 15, 16, 74, 75, 100, 103])
