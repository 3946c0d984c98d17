/**
 * The bus between simulated processes: one broker, an endpoint for each process.
 *
 * Messages travel as JSON; those of one tick to one (topic, partition) travel together. They are
 * lost, repeated, delayed and overtake each other as the faults of the moment say; what a consumer
 * did not acknowledge comes again, to whoever holds the partition then. Who holds what:
 * membership.ts.
 */
import type { Bus, Consumer } from '../lib/bus/bus.ts'
import type { Message, Topic } from '../protocol/messages.ts'
import { entry } from './books.ts'
import type { FaultBoard } from './faults.ts'
import { type Member, Membership } from './membership.ts'
import { tellMessage } from './message-words.ts'
import type { Scene, SimProcess } from './process.ts'
import type { Life } from './world.ts'

export interface BusMood {
  readonly delayMs: number
  /** Chance that a message is repeated a little later, without any fault. */
  readonly repeats: number
  /** A consumer gets the next messages of a partition only when it has dealt with the last. */
  readonly isSerial: boolean
  /** What a crashed consumer had not acknowledged comes again; otherwise it is lost. */
  readonly isAtLeastOnce: boolean
  /** Until the broker notices that a consumer is gone. */
  readonly sessionMs: number
}

/** Messages that travel together, each as JSON. */
type Batch = readonly string[]

const redeliverMs = 100
const usualRepeatMs = 300
const longRepeatMs = 8_000

export class Broker {
  readonly #scene: Scene
  readonly #board: FaultBoard
  readonly #mood: BusMood
  readonly #partitions: number
  readonly #topics = new Map<Topic, Membership>()
  /** What waits for a holder, or for a link to be whole. */
  readonly #waiting = new Map<string, Batch[]>()
  /** Copies on their way. */
  inFlight = 0
  /** What each consumer has been handed and not acknowledged. */
  readonly #unacknowledged = new Map<Member, Map<number, Set<Batch>>>()
  readonly #queues = new Map<Member, Map<number, Batch[]>>()

  constructor(scene: Scene, partitions: number, board: FaultBoard, mood: BusMood) {
    this.#scene = scene
    this.#partitions = partitions
    this.#board = board
    this.#mood = mood
  }

  endpoint(process: SimProcess, life: Life): Bus {
    const { world } = this.#scene
    const outbox = new Map<string, { topic: Topic; partition: number; batch: string[] }>()
    const flush = () => {
      for (const { topic, partition, batch } of outbox.values()) {
        this.#carry(process, topic, partition, batch)
      }
      outbox.clear()
    }
    return {
      inbox: { topic: 'inbox', partition: process.index },
      send: (topic, partition, message) => {
        world.isStirred = true
        if (!life.isAlive) return
        this.#noteSent(process, topic, partition, message)
        const json = JSON.stringify(message)
        if (this.#isFated(process, topic, partition, message, json)) return
        if (outbox.size === 0) world.after(0, flush)
        const key = `${topic}/${partition}`
        const batch = outbox.get(key)?.batch
        if (batch === undefined) outbox.set(key, { topic, partition, batch: [json] })
        else batch.push(json)
        process.reaches('crash-after-send', life)
      },
      consume: async (topic, consumer) => this.#consume(process, life, topic, consumer),
      close: async () => this.left(process, 0),
    }
  }

  /** The process has gone; the broker notices after the session time, or at once if it said so. */
  left(process: SimProcess, sessionMs = this.#mood.sessionMs): void {
    for (const membership of this.#topics.values()) {
      const member = membership.memberOf(process)
      if (member === undefined) continue
      this.#return(membership, member)
      membership.left(member, sessionMs)
    }
  }

  /** It does not answer for now; what it holds may be given to others. */
  paused(process: SimProcess): void {
    for (const membership of this.#topics.values()) {
      membership.paused(process, this.#mood.sessionMs)
    }
  }

  /** Another distribution of a topic's partitions, where for a while two may hold one. */
  shuffle(overlapMs: number, by: 1 | -1): void {
    for (const membership of this.#topics.values()) membership.shuffle(overlapMs, by)
  }

  /** The processes that messages of a partition may reach now. */
  holdersOf(topic: Topic, partition: number): readonly string[] {
    const holders = this.#topics.get(topic)?.holders(partition) ?? []
    return holders.map(({ process }) => process.name)
  }

  /** Whether every partition has exactly one holder, and who should hold it does. */
  get isSettled(): boolean {
    return [...this.#topics].every(([topic, each]) => topic === 'inbox' || each.isSettled)
  }

  /** Whether the director has decided what becomes of this message. */
  #isFated(
    process: SimProcess,
    topic: Topic,
    partition: number,
    message: Message,
    json: string,
  ): boolean {
    const { director } = this.#scene
    const fate = director?.sees({ kind: 'sends', process: process.name, message })
    if (fate === undefined || fate === 'fails') return false
    for (const ms of fate) this.#fly(ms + this.#delay(topic), topic, partition, [json])
    return true
  }

  #noteSent(process: SimProcess, topic: Topic, partition: number, message: Message): void {
    const { world, coverage, timeline } = this.#scene
    coverage.add(`sent: ${message.kind}${message.kind === 'command' ? ` ${message.verb}` : ''}`)
    timeline.note(world.now, process.name, () => `-> ${topic}/${partition} ${tellMessage(message)}`)
  }

  async #consume(process: SimProcess, life: Life, topic: Topic, consumer: Consumer) {
    const { world } = this.#scene
    world.isStirred = true
    let membership = this.#topics.get(topic)
    if (membership === undefined) {
      const count = topic === 'inbox' ? 0 : this.#partitions
      membership = new Membership(this.#scene, topic, count, (partition) =>
        this.#handWaiting(topic, partition),
      )
      this.#topics.set(topic, membership)
    }
    const member: Member = {
      process,
      life,
      consumer,
      topic,
      owned: new Set(),
      ready: new Set(),
    }
    if (topic === 'inbox') member.ready.add(process.index)
    membership.join(member)
    return { close: async () => {} }
  }

  /** A batch leaves its sender: each message has its own fate. */
  #carry(process: SimProcess, topic: Topic, partition: number, batch: Batch): void {
    const { world, coverage } = this.#scene
    const { random } = world
    const isCut =
      this.#board.on('cut-out', process.name) ?? this.#board.on('cut-both', process.name)
    const lose = this.#board.on('lose', topic)
    const repeat = this.#board.on('repeat', topic)
    const isLost = this.#board.on('lose-all', topic) ?? isCut
    const arriving = batch.filter(() => {
      if (isLost === undefined && (lose === undefined || random.next() >= lose.rate)) return true
      coverage.add('bus: lost')
      return false
    })
    if (arriving.length > 0) this.#fly(this.#delay(topic), topic, partition, arriving)
    const repeats = repeat?.rate ?? this.#mood.repeats
    if (repeats === 0) return
    const longestMs = repeat === undefined ? usualRepeatMs : longRepeatMs
    for (const message of batch) {
      if (random.next() >= repeats) continue
      coverage.add('bus: repeated')
      const again = this.#delay(topic) + random.next() ** 3 * longestMs
      this.#fly(again, topic, partition, [message])
    }
  }

  #fly(ms: number, topic: Topic, partition: number, batch: Batch): void {
    this.inFlight++
    this.#scene.world.after(ms, () => {
      this.inFlight--
      this.#arrive(topic, partition, batch)
    })
  }

  #delay(topic: Topic): number {
    const { world, coverage } = this.#scene
    const delay = this.#board.on('delay', topic)
    const base = this.#mood.delayMs * (0.3 + world.random.next())
    if (delay === undefined || world.random.next() >= 0.5) return base
    coverage.add('bus: delayed')
    return base + world.random.next() * delay.rate * 4_000
  }

  #arrive(topic: Topic, partition: number, batch: Batch): void {
    const holders = this.#topics.get(topic)?.holders(partition) ?? []
    const open = holders.filter((member) => !this.#isCutIn(member))
    if (open.length === 0) {
      this.#waitingAt(topic, partition).push(batch)
      return
    }
    const { random } = this.#scene.world
    const chosen = open[open.length === 1 ? 0 : random.integer(open.length)]!
    if (open.length > 1) this.#scene.coverage.add('bus: two holders at once')
    this.#hand(chosen, partition, batch)
  }

  #isCutIn(member: Member): boolean {
    const { name } = member.process
    return (this.#board.on('cut-in', name) ?? this.#board.on('cut-both', name)) !== undefined
  }

  #waitingAt(topic: Topic, partition: number): Batch[] {
    return entry(this.#waiting, `${topic}/${partition}`, () => [])
  }

  /** What waited for a holder, or for a link, goes on its way. */
  #handWaiting(topic: Topic, partition: number): void {
    for (const batch of this.#waitingAt(topic, partition).splice(0))
      this.#arrive(topic, partition, batch)
  }

  /** Tries again what waited; links may be whole again. */
  retryWaiting(): void {
    for (const [topic, membership] of this.#topics) {
      for (const partition of membership.partitions()) this.#handWaiting(topic, partition)
    }
  }

  #hand(member: Member, partition: number, batch: Batch): void {
    const unacknowledged = entry(this.#unacknowledged, member, () => new Map())
    entry(unacknowledged, partition, () => new Set<Batch>()).add(batch)
    if (!this.#mood.isSerial) {
      this.#scene.world.after(0, () => void this.#deliver(member, partition, batch), member.life)
      return
    }
    const queue = entry(
      entry(this.#queues, member, () => new Map()),
      partition,
      () => [] as Batch[],
    )
    queue.push(batch)
    if (queue.length === 1) this.#deliverNext(member, partition, queue)
  }

  #deliverNext(member: Member, partition: number, queue: Batch[]): void {
    const batch = queue[0]
    if (batch === undefined) return
    const deliver = async () => {
      await this.#deliver(member, partition, batch)
      queue.shift()
      this.#deliverNext(member, partition, queue)
    }
    this.#scene.world.after(0, () => void deliver(), member.life)
  }

  async #deliver(member: Member, partition: number, batch: Batch): Promise<void> {
    const { world, coverage } = this.#scene
    world.isStirred = true
    const pending = this.#unacknowledged.get(member)?.get(partition)
    try {
      const messages = batch.map((json) => JSON.parse(json) as Message)
      await member.consumer.receive(partition, messages)
      pending?.delete(batch)
    } catch {
      coverage.add('bus: not acknowledged')
      pending?.delete(batch)
      this.#fly(redeliverMs, member.topic, partition, batch)
    }
  }

  /** What a consumer that has gone did not acknowledge. */
  #return(membership: Membership, member: Member): void {
    const pending = this.#unacknowledged.get(member)
    this.#unacknowledged.delete(member)
    if (pending === undefined || !this.#mood.isAtLeastOnce) return
    for (const [partition, batches] of pending) {
      this.#waitingAt(membership.topic, partition).push(...batches)
    }
  }
}
