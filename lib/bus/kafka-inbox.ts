/**
 * The inbox of this instance: one partition of the inbox topic, drawn when the bus opens and read
 * from its end. There is no group and nothing is acknowledged: answers are worth something only to
 * the process that asked, and it asks again. Two instances that draw the same partition both read
 * it, and each knows its own answers by their ids; that costs time, not correctness.
 */
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Consumer } from './bus.ts'
import type { KafkaCluster } from './kafka-cluster.ts'
import { type DeliveryCounts, KafkaDelivery } from './kafka-delivery.ts'
import { KafkaFetcher } from './kafka-fetcher.ts'
import { PartitionOffsets } from './kafka-offsets.ts'
import type { KafkaProducer } from './kafka-producer.ts'

export interface InboxOptions {
  readonly cluster: KafkaCluster
  readonly producer: KafkaProducer
  readonly consumer: Consumer
  readonly partition: number
  readonly counts: DeliveryCounts
  readonly log: Log
}

const retryMs = 100
/** `consume` waits so long for the inbox to be read; after that it goes on in the background. */
const openWithinMs = 5_000

export class KafkaInbox {
  readonly #options: InboxOptions
  readonly #delivery: KafkaDelivery
  readonly #fetcher: KafkaFetcher
  readonly #opening: Promise<void>
  #isOpen = false
  #closing: Promise<void> | undefined

  constructor(options: InboxOptions) {
    this.#options = options
    this.#delivery = new KafkaDelivery({
      ...options,
      topic: 'inbox',
      isHeld: (partition) => this.#fetcher.offsets.has(partition),
    })
    this.#fetcher = new KafkaFetcher({
      ...options,
      topic: 'inbox',
      onRecords: (partition, records, done) => this.#delivery.deliver(partition, records, done),
    })
    this.#opening = this.#open()
  }

  get lag(): number {
    return this.#fetcher.offsets.get(this.#options.partition)?.lag ?? 0
  }

  get trouble(): string | undefined {
    return this.#isOpen ? undefined : 'inbox: not read yet'
  }

  /** Resolves when answers that are sent from now on will be read, or after a while. */
  async opened(): Promise<void> {
    await Promise.race([this.#opening, systemClock.sleep(openWithinMs)])
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#fetcher.close()
    await this.#opening
    await this.#delivery.idle()
    if (this.#isOpen) await this.#options.consumer.revoked?.(this.#options.partition)
  }

  async #open(): Promise<void> {
    const { cluster, consumer, partition, log } = this.#options
    while (this.#closing === undefined) {
      try {
        if (cluster.topic('inbox') === undefined) await cluster.refresh()
        const { end } = await this.#fetcher.bounds(partition)
        await consumer.assigned?.(partition)
        this.#isOpen = true
        this.#fetcher.hold(partition, new PartitionOffsets(end))
        return
      } catch (error) {
        log.debug('bus: no inbox yet', { error: String(error) })
        await cluster.refresh().catch(() => {})
        await systemClock.sleep(retryMs)
      }
    }
  }
}
