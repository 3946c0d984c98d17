/**
 * One topic's consumer: its membership (kafka-group.ts), what it fetches (kafka-fetcher.ts), hands
 * on (kafka-delivery.ts) and acknowledges, a little later and together: what was handled and not
 * acknowledged when the process died comes again, and changes nothing then.
 *
 * Promise: `assigned` of a partition has resolved before its first message is handed on; `revoked`
 * is called on every way of losing it.
 */
import type { Timer } from '../runtime/clock.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import type { Consumer } from './bus.ts'
import { requests } from './kafka-client.ts'
import type { KafkaCluster, KafkaTopic } from './kafka-cluster.ts'
import { type DeliveryCounts, KafkaDelivery } from './kafka-delivery.ts'
import { KafkaFetcher } from './kafka-fetcher.ts'
import { KafkaGroup } from './kafka-group.ts'
import { PartitionOffsets } from './kafka-offsets.ts'
import type { KafkaProducer } from './kafka-producer.ts'

export interface ConsumerOptions {
  readonly cluster: KafkaCluster
  readonly producer: KafkaProducer
  readonly topic: KafkaTopic
  readonly consumer: Consumer
  readonly counts: DeliveryCounts
  readonly instance: string
  readonly sessionMs: number
  readonly log: Log
}

const acknowledgeEveryMs = 200
const acknowledgeWithinMs = 2_000
const retryMs = 100
const noMemberEpoch = -1
const noLeaderEpoch = -1

export class KafkaConsumer {
  readonly #options: ConsumerOptions
  readonly #delivery: KafkaDelivery
  readonly #fetcher: KafkaFetcher
  readonly #group: KafkaGroup
  readonly #timer: Timer
  /** Partitions that the consumer was told of, each with what loses it. */
  readonly #held = new Set<number>()
  /** Newest decision of the group, which a slow `assigned` looks at again. */
  #wanted: ReadonlySet<number> = new Set()
  readonly #opening = new Map<number, Promise<void>>()
  #isAcknowledging = false
  #closing: Promise<void> | undefined

  constructor(options: ConsumerOptions) {
    const { cluster, topic, log } = options
    this.#options = options
    this.#delivery = new KafkaDelivery({
      ...options,
      isHeld: (partition) => this.#fetcher.offsets.has(partition),
    })
    this.#fetcher = new KafkaFetcher({
      cluster,
      topic,
      log,
      onRecords: (partition, records, done) => this.#delivery.deliver(partition, records, done),
    })
    this.#group = new KafkaGroup({
      ...options,
      onHeld: (partitions) => this.#onHeld(partitions),
      beforeRebalance: () => this.#acknowledge(),
    })
    this.#timer = systemClock.every(acknowledgeEveryMs, () => void this.#acknowledge())
  }

  /** Records that are not acknowledged, of the partitions held here. */
  get lag(): number {
    let lag = 0
    for (const offsets of this.#fetcher.offsets.values()) lag += offsets.lag
    return lag
  }

  get joins(): number {
    return this.#group.joins
  }

  /** Undefined: all is well. */
  get trouble(): string | undefined {
    if (!this.#group.isConfirmed) return `${this.#options.topic}: not a member of its group`
    return undefined
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#timer.cancel()
    // Nothing new is fetched; what is under way ends and is acknowledged before others begin.
    const offsets = new Map(this.#fetcher.offsets)
    const fetching = this.#fetcher.close()
    await this.#delivery.idle()
    await this.#acknowledge(offsets)
    await this.#group.close()
    await fetching
    await Promise.all(this.#opening.values())
  }

  async #onHeld(partitions: readonly number[]): Promise<void> {
    this.#wanted = new Set(partitions)
    const { consumer } = this.#options
    for (const partition of this.#held) {
      if (this.#wanted.has(partition)) continue
      this.#held.delete(partition)
      this.#fetcher.letGo(partition)
      await this.#tell('revoked', partition, consumer.revoked?.bind(consumer))
    }
    for (const partition of partitions) {
      if (this.#held.has(partition)) continue
      this.#held.add(partition)
      const opening = this.#open(partition, this.#opening.get(partition)).finally(() => {
        if (this.#opening.get(partition) === opening) this.#opening.delete(partition)
      })
      this.#opening.set(partition, opening)
    }
  }

  /** Partitions open side by side: one whose log is long holds up no other. */
  async #open(partition: number, before: Promise<void> | undefined): Promise<void> {
    await before
    if (!this.#held.has(partition)) return
    const { consumer } = this.#options
    const offsets = this.#startOf(partition)
    await this.#tell('assigned', partition, consumer.assigned?.bind(consumer))
    const start = await offsets
    if (start === undefined || !this.#held.has(partition) || this.#closing) return
    this.#fetcher.hold(partition, start)
  }

  async #tell(
    what: string,
    partition: number,
    call: ((partition: number) => Promise<void> | void) | undefined,
  ): Promise<void> {
    const { log, topic } = this.#options
    log.debug(`bus: ${what}`, { topic, partition })
    try {
      await call?.(partition)
    } catch (error) {
      log.error(`bus: ${what} failed`, { topic, partition, error })
    }
  }

  /** Where to go on: the acknowledged offset, or the first there is for a new group. */
  async #startOf(partition: number): Promise<PartitionOffsets | undefined> {
    while (this.#held.has(partition) && this.#closing === undefined) {
      try {
        const { cluster } = this.#options
        const membership = this.#group.membership
        if (membership === undefined) throw new Error('Not a member now.')
        const topics = [{ name: membership.group, partitionIndexes: [partition] }]
        const { link, group, member } = membership
        const wanted = { groupId: group, memberId: member, memberEpoch: noMemberEpoch, topics }
        const ask = link.ask(acknowledgeWithinMs, requests.offsetFetch, [wanted], false)
        const found = (await ask).groups[0]?.topics[0]?.partitions[0]?.committedOffset ?? -1n
        if (found >= 0n) return new PartitionOffsets(found)
        if (cluster.topic(this.#options.topic) === undefined) await cluster.refresh()
        return new PartitionOffsets((await this.#fetcher.bounds(partition)).first)
      } catch (error) {
        const { log, topic } = this.#options
        log.debug('bus: no offsets yet', { topic, partition, error: String(error) })
        await this.#options.cluster.refresh().catch(() => {})
        await systemClock.sleep(retryMs)
      }
    }
    return undefined
  }

  async #acknowledge(of: ReadonlyMap<number, PartitionOffsets> = this.#fetcher.offsets) {
    const membership = this.#group.membership
    if (membership === undefined || this.#isAcknowledging) return
    const due = Array.from(of, ([partition, offsets]) => ({
      offsets,
      partition,
      offset: offsets.toAcknowledge,
    })).filter(({ offset }) => offset !== undefined)
    if (due.length === 0) return
    const { link, group, generation, member, instance } = membership
    const partitions = due.map(({ partition, offset }) => ({
      partitionIndex: partition,
      committedOffset: offset!,
      committedLeaderEpoch: noLeaderEpoch,
      committedMetadata: null,
    }))
    this.#isAcknowledging = true
    try {
      const topics = [{ name: group, partitions }]
      const { offsetCommit } = requests
      await link.ask(acknowledgeWithinMs, offsetCommit, group, generation, member, instance, topics)
      for (const { offsets, offset } of due) offsets.acknowledged(offset!)
    } catch (error) {
      // Tried again with the next ones; a membership that has ended has acknowledged nothing.
      this.#options.log.debug('bus: not acknowledged', { group, error: String(error) })
    } finally {
      this.#isAcknowledging = false
    }
  }
}
