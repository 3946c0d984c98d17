/**
 * Units of work on their way to one Redis server: those that come while a group is under way wait
 * and form the next one.
 *
 * Promise: a unit that changes something is sent once more only if the server has said that nothing
 * of it happened; where no answer came it is rejected with `storage_unavailable`, because it may
 * have happened. What only reads is asked again. No unit is sent after its own limit, whatever it
 * waited for; one that is under way by then has its answer within `answerWithinMs` and `waitMs`.
 * Next: redis-group.ts (what is sent), redis.ts (who sends).
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Histogram } from '../runtime/metric.ts'
import type { LossWatch } from './loss-watch.ts'
import { type RedisConnection, RedisRefusal } from './redis-client.ts'
import { RedisDoubts } from './redis-doubts.ts'
import {
  answerLost,
  notOurs,
  refusalError,
  refusalOf,
  sentenceOf,
  unavailable,
} from './redis-errors.ts'
import { fenceKey, RedisGroup, type Unit } from './redis-group.ts'
import { KnownRecords } from './redis-known-records.ts'
import type { RedisLink } from './redis-link.ts'
import { callScript, type Script } from './redis-script.ts'
import { encodeRecord, GroupDraft } from './step.ts'

/** Units of one group: bounds the time that one group keeps the event loop and the server. */
const MOST_UNITS = 1_024
/** Changes after which a group is full, however few its units are. */
const MOST_CHANGES = 4_000
/** Units that wait for their group; more are refused as `overloaded`. */
const MOST_WAITING = 65_536
/** How often units that have waited too long are looked for. */
const expireEveryMs = 50
/** Before a server that is busy with itself is asked again. */
const laterMs = 20

/** What became of a group's units that have no answer yet: each list keeps their order. */
interface Unanswered {
  /** What they read was not as known. */
  readonly again: Unit[]
  /** Refused because of what others of their partition wrote. */
  readonly apart: Unit[]
  /** Refused for the moment. */
  readonly later: Unit[]
}

export interface LaneOptions {
  readonly link: RedisLink
  readonly script: Script
  readonly clock: Clock
  /** The first of the partitions that this server has. */
  readonly partition: number
  /** How many servers there are: each has a lane. */
  readonly servers: number
  /** Replicas that must have each group, and how long they are waited for. */
  readonly waitReplicas: number
  readonly waitMs: number
  /** A server that is silent for longer is given up. */
  readonly answerWithinMs: number
  readonly stats: { steps: number; writes: number }
  readonly groups: Histogram
  readonly watch: LossWatch
  readonly server: string
}

export class RedisLane {
  readonly #options: LaneOptions
  readonly #known: KnownRecords
  readonly #draft: GroupDraft
  readonly #timer: Timer
  #waiting: Unit[] = []
  #isRunning = false
  /** What is told since it was closed. */
  #closed: ShopError | undefined
  /** What the server said instead of an answer when it was asked last. */
  #refusal: string | undefined
  /** So many of the first that wait make the next group, and no others. */
  #apart = 0
  /** Some were told to come later, and those that need not wait for that go first. */
  #mustRest = false
  readonly #doubts = new RedisDoubts()
  #idle: (() => void)[] = []

  constructor(options: LaneOptions) {
    this.#options = options
    this.#known = new KnownRecords(options.server, options.servers)
    this.#draft = new GroupDraft({
      encode: (record) => ({ record, text: encodeRecord(record) }),
      read: (place) => this.#known.get(place)?.record,
    })
    this.#timer = options.clock.every(expireEveryMs, () => this.#expire())
  }

  add(unit: Unit): void {
    if (this.#closed !== undefined) {
      unit.reject(this.#closed)
      return
    }
    if (this.#waiting.length >= MOST_WAITING) {
      const sentence = `${MOST_WAITING} steps already wait for Redis. Try again in a moment.`
      unit.reject(new ShopError('overloaded', sentence))
      return
    }
    this.#waiting.push(unit)
    this.wake()
  }

  /** Goes on with what waits, if there is a connection. */
  wake(): void {
    if (this.#isRunning) return
    this.#isRunning = true
    setImmediate(() => void this.#run())
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drained(): Promise<void> {
    if (this.#isRunning || this.#waiting.length > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
  }

  /** What waits is rejected, and what comes or would be sent again later. */
  close(error: ShopError): void {
    this.#timer.cancel()
    this.#closed = error
    for (const unit of this.#waiting.splice(0)) unit.reject(error)
  }

  async #run(): Promise<void> {
    for (;;) {
      const { connection } = this.#options.link
      if (this.#waiting.length === 0 || connection === undefined) break
      await this.#runGroup(connection)
    }
    this.#isRunning = false
    if (this.#waiting.length === 0) for (const idle of this.#idle.splice(0)) idle()
  }

  async #runGroup(connection: RedisConnection): Promise<void> {
    const group = this.#form()
    if (group.units === 0) return
    this.#options.stats.steps += group.units
    // A count is one more thing to write, and what goes apart must not be refused because of it.
    if (this.#apart === 0) this.#count(group)
    this.#apart = 0
    let replies: readonly unknown[]
    try {
      replies = await this.#send(connection, group)
    } catch (error) {
      for (const partition of group.parts) this.#lost(group, partition, (error as Error).message)
      // Not sent on again: what is refused at once, again and again, would let nothing else happen.
      connection.end()
      await connection.ended
      return
    }
    this.#known.forgetFresh()
    await this.#putBack(this.#take(connection, group, replies))
    // Lets the callers of this group join the next one.
    await new Promise((resolve) => setImmediate(resolve))
  }

  async #putBack({ again, apart, later }: Unanswered): Promise<void> {
    // What runs again does so in the very next group: what it needs is known until then only.
    if (apart.length > 0) this.#apart = again.length + apart.length
    this.#goFirst([...again, ...apart, ...later])
    this.#mustRest ||= later.length > 0
    if (!this.#mustRest || this.#apart > 0) return
    this.#mustRest = false
    await this.#options.clock.sleep(laterMs)
  }

  /** Of what has waited longest; what has waited too long is told so. */
  #form(): RedisGroup {
    const group = new RedisGroup(this.#known, this.#draft)
    const now = this.#options.clock.now()
    let taken = 0
    const most = Math.min(this.#waiting.length, this.#apart === 0 ? MOST_UNITS : this.#apart)
    while (taken < most) {
      const unit = this.#waiting[taken++]!
      if (unit.giveUpAt <= now) unit.reject(this.#lateError())
      else group.add(unit)
      if (group.changes >= MOST_CHANGES) break
    }
    this.#waiting = this.#waiting.slice(taken)
    return group
  }

  /** Last of all, so that a count which is not as it was known holds up no other step. */
  #count(group: RedisGroup): void {
    const { clock, answerWithinMs } = this.#options
    const giveUpAt = clock.now() + answerWithinMs
    for (const partition of group.written) {
      const { keys, step, resolve, reject } = this.#options.watch.countingIn(partition)
      // A count that has to run again is among the group's units: one is enough.
      if (keys.some((key) => group.names(partition, key))) continue
      group.addUncounted({ kind: 'step', partition, giveUpAt, keys, step, resolve, reject })
    }
  }

  #send(connection: RedisConnection, group: RedisGroup): Promise<readonly unknown[]> {
    const { script, partition, waitReplicas, waitMs, answerWithinMs } = this.#options
    const wait = ['wait', [String(waitReplicas), String(waitMs)]] as const
    const withinMs = answerWithinMs + waitMs * Math.sign(waitReplicas)
    const fence = waitReplicas > 0 ? fenceKey(partition) : undefined
    return callScript(script, (name, source) => {
      const command = group.command(name, source, fence)
      return connection.send(waitReplicas > 0 ? [command, wait] : [command], withinMs)
    })
  }

  /** Tells every unit what came of it, if it is known. */
  #take(
    connection: RedisConnection,
    group: RedisGroup,
    [reply, copies]: readonly unknown[],
  ): Unanswered {
    const { clock, link, waitReplicas, stats, groups, server } = this.#options
    const answers =
      reply instanceof RedisRefusal ? group.parts.map(() => reply.text) : (reply as unknown[])
    const isCopied = waitReplicas === 0 || (typeof copies === 'number' && copies >= waitReplicas)
    const tooFew = isCopied ? undefined : `only ${String(copies)} replicas have it`
    const unanswered: Unanswered = { again: [], apart: [], later: [] }
    for (const [index, partition] of group.parts.entries()) {
      const answer = answers[index]
      if (typeof answer === 'string') {
        this.#refused(group, partition, answer, unanswered)
      } else if (tooFew !== undefined) this.#lost(group, partition, tooFew)
      else {
        const settled = group.settle(partition, answer as 1 | (number | string)[])
        if (settled.garbled === undefined) unanswered.again.push(...settled.again)
        else for (const unit of settled.again) unit.reject(notOurs(server, settled.garbled))
      }
    }
    if (group.changes > 0) {
      stats.writes++
      groups.observe(group.units)
    }
    const refusals = answers.filter((answer) => typeof answer === 'string')
    this.#refusal = refusals[0] ?? tooFew
    // A group that only reads needs no replica where WAIT asks for none.
    const said = { refusals, tooFew, isTold: waitReplicas + group.changes > 0 }
    const why = this.#doubts.reasonToLeave(said, clock.now())
    if (why !== undefined) link.leave(connection, why)
    return unanswered
  }

  /** The server said that nothing of the partition's share was done. */
  #refused(group: RedisGroup, partition: number, text: string, unanswered: Unanswered): void {
    const refusal = refusalOf(text)
    const { rejected, apart, later } = group.refused(partition, refusal)
    for (const unit of rejected) unit.reject(refusalError(this.#options.server, text))
    unanswered.apart.push(...apart)
    unanswered.later.push(...later)
  }

  /** No answer, or not one that counts: what writes may have happened, what reads is asked anew. */
  #lost(group: RedisGroup, partition: number, why: string): void {
    const [writing, reading] = group.split(partition, 'write')
    for (const unit of writing) unit.reject(answerLost(this.#options.server, why))
    this.#goFirst(reading)
  }

  #goFirst(units: readonly Unit[]): void {
    if (units.length === 0) return
    this.#waiting = [...units, ...this.#waiting]
    if (this.#closed !== undefined) this.close(this.#closed)
  }

  #lateError(): ShopError {
    const { link, server } = this.#options
    if (link.misfit !== undefined) return link.misfit
    if (link.connection === undefined) return unavailable(server, link.why)
    const why = this.#refusal ?? 'it was not this step’s turn in time'
    return unavailable(server, sentenceOf(why))
  }

  #expire(): void {
    const { clock, link } = this.#options
    if (this.#waiting.length === 0) return
    const now = clock.now()
    const isLate = ({ giveUpAt }: Unit) => giveUpAt <= now || link.misfit !== undefined
    const late = this.#waiting.filter(isLate)
    if (late.length === 0) return
    this.#waiting = this.#waiting.filter((unit) => !isLate(unit))
    for (const unit of late) unit.reject(this.#lateError())
    if (this.#waiting.length === 0 && !this.#isRunning) {
      for (const idle of this.#idle.splice(0)) idle()
    }
  }
}
