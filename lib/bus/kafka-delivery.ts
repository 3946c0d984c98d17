/**
 * Hands what came to the consumer: decoded, all records of one fetch and partition in one call.
 *
 * Promise: a record that cannot be read goes to the dead-letter topic, is counted, and holds up
 * nothing. A `receive` that fails is called again with a growing pause while the partition is held;
 * after some tries its messages are given up and counted, because a partition must not stand still
 * for one bug, and whoever needs them sends them again.
 */
import type { Message } from '../../protocol/messages.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Consumer } from './bus.ts'
import { decodeMessages } from './codec.ts'
import type { KafkaTopic } from './kafka-cluster.ts'
import type { FetchedRecord } from './kafka-fetcher.ts'
import type { KafkaProducer } from './kafka-producer.ts'

const mostTries = 6
const againFirstMs = 50
/** Bytes of an unreadable record that are kept; the rest tells nobody anything. */
const mostKeptBytes = 100_000

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
    const work: Promise<void> = this.#receive(partition, messages).then(() => {
      this.#running.delete(work)
      done()
    })
    this.#running.add(work)
  }

  /** Resolves when the calls of `receive` under way have ended. */
  async idle(): Promise<void> {
    await Promise.all(this.#running)
  }

  #decode(partition: number, records: readonly FetchedRecord[]): readonly Message[] {
    const read: Message[] = []
    for (const { offset, value } of records) {
      const decoded = decodeMessages(value)
      if ('messages' in decoded) for (const message of decoded.messages) read.push(message)
      else this.#bury(partition, offset, value, decoded.refused)
    }
    this.#options.counts.received += read.length
    return read
  }

  #bury(partition: number, offset: bigint, value: Buffer | null, why: string): void {
    const { topic, producer, counts, log } = this.#options
    counts.poison++
    log.error('bus: a record cannot be read', { topic, partition, offset: String(offset), why })
    const headers = { topic, partition, offset, why }
    const bytes = Buffer.from((value ?? Buffer.alloc(0)).subarray(0, mostKeptBytes))
    void producer.sendRaw(
      'dead-letter',
      bytes,
      new Map(
        Object.entries(headers).map(([name, text]) => [
          Buffer.from(name),
          Buffer.from(String(text)),
        ]),
      ),
    )
  }

  async #receive(partition: number, messages: readonly Message[]): Promise<void> {
    const { consumer, counts, log, topic, isHeld } = this.#options
    let pauseMs = againFirstMs
    for (let tries = 1; ; tries++) {
      try {
        await consumer.receive(partition, messages)
        return
      } catch (error) {
        log.warn('bus: messages not handled', { topic, partition, tries, error: String(error) })
        if (!isHeld(partition)) return
        if (tries >= mostTries) {
          counts.givenUp += messages.length
          log.error('bus: messages given up', { topic, partition, messages: messages.length })
          return
        }
      }
      await systemClock.sleep(pauseMs)
      if (!isHeld(partition)) return
      pauseMs *= 2
      counts.redelivered += messages.length
    }
  }
}
