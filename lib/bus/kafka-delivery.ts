/**
 * Hands what came to the consumer: decoded, all records of one fetch and partition in one call.
 *
 * Promise: a record that cannot be read is counted, goes to the dead-letter topic (of a flood, as
 * many as the producer has room for), and holds up nothing. A `receive` that fails is called again
 * with a growing pause while the partition is held; after some tries its messages are given up and
 * counted, because a partition must not stand still for one bug, and whoever needs them sends them
 * again. What was neither handled nor given up when the partition was let go is not acknowledged.
 */
import type { Message } from '../../protocol/messages.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Consumer } from './bus.ts'
import { decodeMessages } from './codec.ts'
import type { KafkaTopic } from './kafka-cluster.ts'
import type { FetchedRecord } from './kafka-fetcher.ts'
import type { DeadLetter, KafkaProducer } from './kafka-producer.ts'

const mostTries = 6
const againFirstMs = 50
/** Bytes of an unreadable record that are kept; the rest tells nobody anything. */
const mostKeptBytes = 100_000

interface Unreadable extends FetchedRecord {
  readonly why: string
}

export interface DeliveryCounts {
  received: number
  poison: number
  redelivered: number
  givenUp: number
}

export interface DeliveryOptions {
  readonly topic: KafkaTopic
  readonly consumer: Consumer
  readonly producer: KafkaProducer
  readonly counts: DeliveryCounts
  readonly log: Log
  isHeld(partition: number): boolean
}

export class KafkaDelivery {
  readonly #options: DeliveryOptions
  readonly #running = new Set<Promise<void>>()

  constructor(options: DeliveryOptions) {
    this.#options = options
  }

  deliver(partition: number, records: readonly FetchedRecord[], done: () => void): void {
    const messages = this.#decode(partition, records)
    if (messages.length === 0) {
      done()
      return
    }
    const work: Promise<void> = this.#receive(partition, messages).then((isOver) => {
      this.#running.delete(work)
      if (isOver) done()
    })
    this.#running.add(work)
  }

  /** Resolves when the calls of `receive` under way have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #decode(partition: number, records: readonly FetchedRecord[]): readonly Message[] {
    const read: Message[] = []
    const unreadable: Unreadable[] = []
    for (const { offset, value } of records) {
      const decoded = decodeMessages(value)
      if ('messages' in decoded) for (const message of decoded.messages) read.push(message)
      else unreadable.push({ offset, value, why: decoded.refused })
    }
    this.#options.counts.received += read.length
    if (unreadable.length > 0) this.#bury(partition, unreadable)
    return read
  }

  #bury(partition: number, unreadable: readonly Unreadable[]): void {
    const { topic, producer, counts, log } = this.#options
    counts.poison += unreadable.length
    const { offset, why } = unreadable[0]!
    const first = { topic, partition, offset: String(offset), why }
    log.error('bus: records cannot be read', { ...first, records: unreadable.length })
    for (const each of unreadable) producer.bury(letterOf(topic, partition, each))
  }

  /** Whether they are handled or given up; false: they are another owner's now. */
  async #receive(partition: number, messages: readonly Message[]): Promise<boolean> {
    const { consumer, counts, log, topic, isHeld } = this.#options
    let pauseMs = againFirstMs
    for (let tries = 1; ; tries++) {
      try {
        await consumer.receive(partition, messages)
        return true
      } catch (error) {
        log.warn('bus: messages not handled', { topic, partition, tries, error: String(error) })
        if (!isHeld(partition)) return false
        if (tries >= mostTries) {
          counts.givenUp += messages.length
          log.error('bus: messages given up', { topic, partition, messages: messages.length })
          return true
        }
      }
      await systemClock.sleep(pauseMs)
      if (!isHeld(partition)) return false
      pauseMs *= 2
      counts.redelivered += messages.length
    }
  }
}

/** What is kept of it, and in its headers where it lay and what is wrong with it. */
function letterOf(topic: KafkaTopic, partition: number, unreadable: Unreadable): DeadLetter {
  const { offset, value, why } = unreadable
  const headers = Object.entries({ topic, partition, offset, why }).map(
    ([name, text]) => [Buffer.from(name), Buffer.from(String(text))] as const,
  )
  // A copy: the record is a view into all that was fetched with it.
  const kept = Buffer.from((value ?? Buffer.alloc(0)).subarray(0, mostKeptBytes))
  return { value: kept, headers: new Map(headers) }
}
