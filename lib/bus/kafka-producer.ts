/**
 * What is sent: messages of one tick to one (topic, partition) leave as one record; all partitions
 * of one broker in one request.
 *
 * Promise: none beyond the port's. A record that a broker refuses because it does not lead its
 * partition (yet, or any more) is sent to who does, a few times. What is not acknowledged by all
 * in-sync copies in time is counted as lost, because whoever needs it sends it again. While as many
 * requests are under way as are allowed, messages gather into fewer, larger records. Bounded:
 * requests under way, messages that wait for one partition, and dead letters, which wait for each
 * other and hold up no message.
 */
import type { Message } from '../../protocol/messages.ts'
import { systemClock } from '../runtime/clock.ts'
import { encodeMessages } from './codec.ts'
import { requests, responseOf } from './kafka-client.ts'
import { elsewhere, isElsewhere, type KafkaCluster, type KafkaTopic } from './kafka-cluster.ts'

/**
 * Produce requests under way to one broker, which handles those of a connection one after another.
 * The fewer there are, the more messages share a record; with one alone, all wait for its
 * acknowledgement. A broker that is silent holds up no other.
 */
const mostRequests = 2
/** Messages that wait for one partition; more are dropped. */
const mostWaiting = 20_000
const acknowledgeWithinMs = 3_000
/** Dead letters that wait or are under way, in bytes; more are dropped. Headers are small. */
const mostBuriedBytes = 8 * 1024 * 1024
const headerBytes = 256
/** Times that a record is sent to who leads its partition now, and the pause before. */
const mostTries = 5
const moveMs = 60
const allInSync = -1

interface Waiting {
  readonly topic: KafkaTopic
  readonly partition: number
  readonly messages: Message[]
}

/** A record that nobody could read, as it was. */
export interface DeadLetter {
  readonly value: Buffer
  readonly headers: Map<Buffer, Buffer>
}

interface ProducedRecord extends Partial<DeadLetter> {
  readonly topic: string
  readonly partition: number
  readonly value: Buffer
}

export class KafkaProducer {
  readonly counts = { messages: 0, records: 0, bytes: 0, requests: 0, lost: 0, dropped: 0 }
  readonly #cluster: KafkaCluster
  readonly #onTrouble: (error: unknown) => void
  #waiting = new Map<string, Waiting>()
  #letters: DeadLetter[] = []
  #lettersBytes = 0
  #burying: Promise<void> | undefined
  /** Requests, each with the broker that it went to. */
  readonly #underWay = new Map<Promise<void>, number>()
  #isScheduled = false
  #isClosed = false

  /** `onTrouble` hears of each request that failed. */
  constructor(cluster: KafkaCluster, onTrouble: (error: unknown) => void) {
    this.#cluster = cluster
    this.#onTrouble = onTrouble
  }

  send(topic: KafkaTopic, partition: number, message: Message): void {
    const key = `${topic}/${partition}`
    let waiting = this.#waiting.get(key)
    if (waiting === undefined) {
      waiting = { topic, partition, messages: [] }
      this.#waiting.set(key, waiting)
    }
    if (this.#isClosed || waiting.messages.length >= mostWaiting) {
      this.counts.dropped++
      return
    }
    waiting.messages.push(message)
    this.#schedule()
  }

  /** Puts it into the dead-letter topic, if it has room to wait for those before it. */
  bury(letter: DeadLetter): void {
    const bytes = bytesOf(letter)
    if (this.#isClosed || this.#lettersBytes + bytes > mostBuriedBytes) {
      this.counts.dropped++
      return
    }
    this.#letters.push(letter)
    this.#lettersBytes += bytes
    this.#burying ??= this.#bury()
  }

  /** One request after the other, each with all that has come meanwhile. */
  async #bury(): Promise<void> {
    const topic = this.#cluster.nameOf('dead-letter')
    while (this.#letters.length > 0) {
      const records = this.#letters.map((letter) => ({ topic, partition: 0, ...letter }))
      this.#letters = []
      for (const group of requestsOf(records)) {
        this.#count(group)
        await this.#produce(this.#cluster.leaderOf(topic, 0), group)
        for (const record of group) this.#lettersBytes -= bytesOf(record)
      }
    }
    this.#burying = undefined
  }

  /** Sends what waits and waits for what is under way. */
  async close(): Promise<void> {
    while (this.#waiting.size > 0 || this.#underWay.size > 0 || this.#burying !== undefined) {
      this.#flush()
      await Promise.all([...this.#underWay.keys(), this.#burying])
    }
    this.#isClosed = true
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    const waiting = this.#waiting
    if (waiting.size === 0) return
    this.#waiting = new Map()
    const all: ProducedRecord[] = []
    for (const [key, gathered] of waiting) {
      const { topic, partition, messages } = gathered
      const name = this.#cluster.nameOf(topic)
      if (this.#isBusy(this.#cluster.leaderOf(name, partition))) {
        this.#waiting.set(key, gathered)
        continue
      }
      this.counts.messages += messages.length
      for (const value of encodeMessages(messages)) all.push({ topic: name, partition, value })
    }
    for (const [leader, records] of this.#byLeader(all)) {
      for (const group of requestsOf(records)) void this.#request(leader, group)
    }
  }

  #isBusy(leader: number): boolean {
    const toIt = this.#underWay.values().filter((to) => to === leader)
    return [...toIt].length >= mostRequests
  }

  #count(records: readonly ProducedRecord[]): void {
    this.counts.requests++
    this.counts.records += records.length
    for (const { value } of records) this.counts.bytes += value.length
  }

  #request(leader: number, records: ProducedRecord[]): Promise<void> {
    this.#count(records)
    const work: Promise<void> = this.#produce(leader, records).then(() => {
      this.#underWay.delete(work)
      if (this.#waiting.size > 0) this.#schedule()
    })
    this.#underWay.set(work, leader)
    return work
  }

  async #produce(leader: number, records: ProducedRecord[], tries = 1): Promise<void> {
    try {
      const link = await this.#cluster.link('produce', leader)
      await link.ask(
        acknowledgeWithinMs,
        requests.produce,
        allInSync,
        acknowledgeWithinMs,
        records,
        {},
      )
    } catch (error) {
      const { failed, moved } = refusedOf(error, records)
      const again = tries < mostTries ? moved : []
      const lost = failed.length + moved.length - again.length
      this.counts.lost += lost
      if (lost > 0) this.#onTrouble(error)
      if (leader >= 0 && !isElsewhere(error)) return
      if (again.length > 0) await systemClock.sleep(moveMs * tries)
      await this.#cluster.refresh().catch(() => {})
      await Promise.all(
        Array.from(this.#byLeader(again), ([now, some]) => this.#produce(now, some, tries + 1)),
      )
    }
  }

  #byLeader(records: readonly ProducedRecord[]): ReadonlyMap<number, ProducedRecord[]> {
    return Map.groupBy(records, ({ topic, partition }) => this.#cluster.leaderOf(topic, partition))
  }
}

type ProduceAnswer = Awaited<ReturnType<typeof requests.produce.async>>

/** What was not kept: `moved` because somebody else leads its partition now. */
function refusedOf(error: unknown, records: readonly ProducedRecord[]) {
  const answer = responseOf<ProduceAnswer>(error)
  if (typeof answer !== 'object') return { failed: records, moved: [] }
  const partitions = answer.responses.flatMap(({ name, partitionResponses }) =>
    partitionResponses.map(({ index, errorCode }) => [`${name}/${index}`, errorCode] as const),
  )
  const codeOf = new Map(partitions)
  const { moved, failed } = Object.groupBy(records, ({ topic, partition }) => {
    const code = codeOf.get(`${topic}/${partition}`)
    if (code === 0) return 'kept'
    return code !== undefined && elsewhere.has(code) ? 'moved' : 'failed'
  })
  return { failed: failed ?? [], moved: moved ?? [] }
}

/** Bytes of one partition in one request: the broker takes a batch of 1 MiB. */
const mostBatchBytes = 1_000_000

const bytesOf = ({ value, headers }: Pick<ProducedRecord, 'value' | 'headers'>) =>
  value.length + (headers === undefined ? 0 : headerBytes)

/** Requests, in order, none of which has too many bytes for one partition. */
function requestsOf(records: readonly ProducedRecord[]): ProducedRecord[][] {
  const groups: ProducedRecord[][] = []
  const sizes: Map<string, number>[] = []
  for (const record of records) {
    const key = `${record.topic}/${record.partition}`
    const last = groups.length - 1
    const size = last < 0 ? 0 : (sizes[last]!.get(key) ?? 0)
    if (last < 0 || (size > 0 && size + bytesOf(record) > mostBatchBytes)) {
      groups.push([record])
      sizes.push(new Map([[key, bytesOf(record)]]))
    } else {
      groups[last]!.push(record)
      sizes[last]!.set(key, size + bytesOf(record))
    }
  }
  return groups
}
