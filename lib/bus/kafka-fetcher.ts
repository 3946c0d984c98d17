/**
 * Fetches the records of the partitions that are held: one waiting request per broker, over links
 * of its own. What came is handed on at once and not waited for, so that a slow partition holds up
 * no other; a partition with too many batches under way is left out until some have ended.
 *
 * Promise: it never ends by itself. A broker that is gone, a partition that has moved, a log that
 * was cut are met by asking anew, with a growing pause.
 */
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { codes, requests, responseOf } from './kafka-client.ts'
import type { KafkaCluster, KafkaTopic } from './kafka-cluster.ts'
import type { PartitionOffsets } from './kafka-offsets.ts'

type FetchAnswer = Awaited<ReturnType<typeof requests.fetch.async>>
type FetchedPartition = FetchAnswer['responses'][number]['partitions'][number]

export interface FetchedRecord {
  readonly offset: bigint
  readonly value: Buffer | null
}

export interface FetcherOptions {
  readonly cluster: KafkaCluster
  readonly topic: KafkaTopic
  readonly log: Log
  /** Records of one partition, in order; `done` must be called when their effects are durable. */
  onRecords(partition: number, records: readonly FetchedRecord[], done: () => void): void
}

/** Batches of one partition under way; it is not fetched beyond them. */
export const mostUnfinished = 32
/** How long the broker waits for something to send. */
const waitMs = 250
const answerWithinMs = waitMs + 2_000
const leastBytes = 1
const mostBytes = 8 * 1024 * 1024
const mostPartitionBytes = 1024 * 1024
const readUncommitted = 0
const noSession = 0
const noEpoch = -1
const retryFirstMs = 20
const retryMaxMs = 250
const isControl = 0b100000
const earliest = -2n
const latest = -1n

export class KafkaFetcher {
  readonly offsets = new Map<number, PartitionOffsets>()
  readonly #options: FetcherOptions
  readonly #loops = new Map<number, Promise<void>>()
  readonly #stopListening: () => void
  #wakers: (() => void)[] = []
  #isClosed = false

  constructor(options: FetcherOptions) {
    this.#options = options
    this.#stopListening = options.cluster.onRefreshed(() => this.#followLeaders())
  }

  hold(partition: number, offsets: PartitionOffsets): void {
    this.offsets.set(partition, offsets)
    this.#followLeaders()
  }

  letGo(partition: number): void {
    this.offsets.delete(partition)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.#stopListening()
    this.offsets.clear()
    this.#wake()
    await Promise.all(this.#loops.values())
  }

  /** Offsets of the first record that is kept and after the last one. */
  async bounds(partition: number): Promise<{ readonly first: bigint; readonly end: bigint }> {
    const ask = async (timestamp: bigint) => {
      const { cluster, topic } = this.#options
      const link = await cluster.link(`fetch ${topic}`, this.#leaderOf(partition))
      const wanted = { partitionIndex: partition, currentLeaderEpoch: noEpoch, timestamp }
      const name = cluster.nameOf(topic)
      const answer = await link.ask(answerWithinMs, requests.listOffsets, -1, readUncommitted, [
        { name, partitions: [wanted] },
      ])
      return answer.topics[0]!.partitions[0]!.offset
    }
    return { first: await ask(earliest), end: await ask(latest) }
  }

  #leaderOf(partition: number): number {
    return this.#options.cluster.topic(this.#options.topic)?.leaders[partition] ?? -1
  }

  /** A loop that waits looks again at what its broker leads. */
  #followLeaders(): void {
    this.#startLoops()
    this.#wake()
  }

  /** One loop for each broker that leads something that is held. */
  #startLoops(): void {
    for (const partition of this.offsets.keys()) {
      const leader = this.#leaderOf(partition)
      if (this.#loops.has(leader) || this.#isClosed) continue
      const loop = this.#loop(leader).then(() => {
        this.#loops.delete(leader)
        // What has moved meanwhile needs a loop at its new leader.
        this.#startLoops()
      })
      this.#loops.set(leader, loop)
    }
  }

  async #loop(leader: number): Promise<void> {
    const { cluster, topic, log } = this.#options
    for (let pauseMs = retryFirstMs; !this.#isClosed; ) {
      const led = [...this.offsets].filter(([partition]) => this.#leaderOf(partition) === leader)
      if (led.length === 0) return
      const open = led.filter(([, { unfinished }]) => unfinished < mostUnfinished)
      if (open.length === 0) {
        await this.#woken()
        continue
      }
      try {
        if (await this.#fetch(leader, new Map(open))) {
          pauseMs = retryFirstMs
          continue
        }
      } catch (error) {
        log.debug('bus: fetch failed', { topic, error: String(error) })
      }
      await systemClock.sleep(pauseMs)
      pauseMs = Math.min(pauseMs * 2, retryMaxMs)
      await cluster.refresh().catch(() => {})
    }
  }

  /** False where some partition could not be read. */
  async #fetch(leader: number, open: ReadonlyMap<number, PartitionOffsets>): Promise<boolean> {
    const { cluster, topic } = this.#options
    const topicId = cluster.topic(topic)?.id
    if (topicId === undefined) return false
    const link = await cluster.link(`fetch ${topic}`, leader)
    const partitions = Array.from(open, ([partition, { position }]) => ({
      partition,
      currentLeaderEpoch: noEpoch,
      fetchOffset: position,
      lastFetchedEpoch: noEpoch,
      partitionMaxBytes: mostPartitionBytes,
    }))
    const answer = await link
      .ask(
        answerWithinMs,
        requests.fetch,
        waitMs,
        leastBytes,
        mostBytes,
        readUncommitted,
        noSession,
        noEpoch,
        [{ topicId, partitions }],
        [],
        '',
      )
      .catch((error) => {
        // What is wrong with one partition does not concern the others of the same answer.
        const response = responseOf<FetchAnswer>(error)
        if (response === undefined || response.errorCode !== 0) throw error
        return response
      })
    let isWhole = true
    for (const each of answer.responses.flatMap((of) => of.partitions)) {
      const offsets = open.get(each.partitionIndex)
      if (offsets === undefined || this.offsets.get(each.partitionIndex) !== offsets) continue
      if (!(await this.#take(each, offsets))) isWhole = false
    }
    return isWhole
  }

  async #take(fetched: FetchedPartition, offsets: PartitionOffsets): Promise<boolean> {
    const { partitionIndex: partition, errorCode } = fetched
    if (errorCode === codes.offsetOutOfRange) {
      const { first, end } = await this.bounds(partition)
      const from = offsets.position
      offsets.moveInto(first, end)
      const { log, topic } = this.#options
      log.warn('bus: the log of a partition was cut', {
        topic,
        partition,
        from: String(from),
        to: String(offsets.position),
      })
      return true
    }
    if (errorCode !== 0) return false
    offsets.end = fetched.highWatermark
    const records: FetchedRecord[] = []
    let next = offsets.position
    for (const batch of fetched.records ?? []) {
      const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      if (after > next) next = after
      if (batch.attributes & isControl) continue
      for (const { offsetDelta, value } of batch.records) {
        const offset = batch.firstOffset + BigInt(offsetDelta)
        if (offset >= offsets.position) records.push({ offset, value })
      }
    }
    if (next === offsets.position) return true
    const done = offsets.begin(next)
    const end = () => {
      done()
      this.#wake()
    }
    if (records.length === 0) end()
    else this.#options.onRecords(partition, records, end)
    return true
  }

  #woken(): Promise<void> {
    return new Promise((resolve) => this.#wakers.push(resolve))
  }

  #wake(): void {
    const wakers = this.#wakers
    if (wakers.length === 0) return
    this.#wakers = []
    for (const wake of wakers) wake()
  }
}
