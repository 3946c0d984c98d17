/**
 * Membership in the group of a topic's consumers: joins, says that it lives, gives up what it lost,
 * and starts again after any failure, for ever.
 *
 * Promise: `onHeld` hears the partitions that this instance holds, whenever that changes, one call
 * after another. Where the broker has not confirmed the membership for a session time, as it counts
 * here, nothing is held any more: others may have been given it. So a process that was paused gives
 * up before it does anything else with its partitions (and what it does meanwhile is fenced by
 * epochs in the databases). An instance that is restarted under its name within the session gets
 * what it had without anyone else noticing (static membership, KIP-345).
 */
import type { Timer } from '../runtime/clock.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import { assignedIn, assignmentOf, heldIn, shareOut, subscriptionOf } from './kafka-assignment.ts'
import { codes, codesOf, type KafkaLink, requests, responseOf } from './kafka-client.ts'
import type { KafkaCluster, KafkaTopic } from './kafka-cluster.ts'

type JoinAnswer = Awaited<ReturnType<typeof requests.joinGroup.async>>

export interface GroupOptions {
  readonly cluster: KafkaCluster
  readonly topic: KafkaTopic
  readonly instance: string
  readonly sessionMs: number
  readonly log: Log
  onHeld(partitions: readonly number[]): Promise<void>
  /** Called before the partitions may go to others: what is finished should be acknowledged. */
  beforeRebalance(): Promise<void>
}

/** Who a request to the group comes from. */
export interface Membership {
  readonly link: KafkaLink
  readonly group: string
  readonly generation: number
  readonly member: string
  readonly instance: string
}

const protocolType = 'consumer'
const protocolName = 'till-sticky'
const heartbeatsPerSession = 3
const looksPerSession = 10
const retryFirstMs = 50
const retryMaxMs = 500
/** Beyond the broker's own time limit of a join, for the answer to arrive. */
const graceMs = 1_000
const leaveWithinMs = 1_000

export class KafkaGroup {
  joins = 0
  readonly #options: GroupOptions
  readonly #timer: Timer
  #instance: string
  #member = ''
  #generation = -1
  #link: KafkaLink | undefined
  #held: readonly number[] = []
  /** Nothing is held since the membership was in doubt: only joining again brings it back. */
  #hasGivenUp = false
  /** When the request was sent that the broker last confirmed. */
  #confirmedAt = Number.NEGATIVE_INFINITY
  /** The broker answers nothing else on the group's link while it lets a join wait. */
  #isJoining = false
  /** A join that waits for the others keeps the membership alive until this time. */
  #joinEndsAt = Number.NEGATIVE_INFINITY
  #isClosed = false
  #wake: (() => void) | undefined
  readonly #running: Promise<void>
  /** Calls of `onHeld`, one after another. */
  #telling: Promise<void> = Promise.resolve()

  constructor(options: GroupOptions) {
    this.#options = options
    this.#instance = options.instance
    this.#timer = systemClock.every(options.sessionMs / looksPerSession, () => this.#look())
    this.#running = this.#run()
  }

  /** Undefined where this instance is no member now. */
  get membership(): Membership | undefined {
    if (this.#link === undefined || this.#isJoining || !this.isConfirmed) return undefined
    return {
      link: this.#link,
      group: this.#options.cluster.nameOf(this.#options.topic),
      generation: this.#generation,
      member: this.#member,
      instance: this.#instance,
    }
  }

  get isConfirmed(): boolean {
    const now = systemClock.now()
    return now < this.#joinEndsAt || now - this.#confirmedAt <= this.#options.sessionMs
  }

  /** Leaves, so that others need not wait for the session to end. Nothing is held after it. */
  async close(): Promise<void> {
    if (this.#isClosed) return
    const membership = this.membership
    this.#isClosed = true
    this.#timer.cancel()
    this.#wake?.()
    if (membership !== undefined) {
      const { link, group, member, instance } = membership
      const who = [{ memberId: member, groupInstanceId: instance }]
      await link.ask(leaveWithinMs, requests.leaveGroup, group, who).catch(() => {})
    }
    this.#link?.close()
    await this.#running
    await this.#hold([])
  }

  async #run(): Promise<void> {
    for (let pauseMs = retryFirstMs; !this.#isClosed; ) {
      try {
        this.#isJoining = true
        await this.#join()
        this.#isJoining = false
        pauseMs = retryFirstMs
        await this.#stay()
      } catch (error) {
        if (this.#isClosed) return
        if (await this.#onFailure(error)) continue
        await this.#pause(pauseMs * (0.5 + systemRandom.next() / 2))
        pauseMs = Math.min(pauseMs * 2, retryMaxMs)
      } finally {
        this.#joinEndsAt = Number.NEGATIVE_INFINITY
      }
    }
  }

  /** Whether to try again at once. */
  async #onFailure(error: unknown): Promise<boolean> {
    const { log, topic, sessionMs } = this.#options
    const found = codesOf(error)
    if (found.includes(codes.memberIdRequired)) {
      this.#member = responseOf<JoinAnswer>(error)?.memberId ?? ''
      return true
    }
    if (found.includes(codes.rebalanceInProgress) || found.includes(codes.illegalGeneration)) {
      return true
    }
    log.warn('bus: membership interrupted', { topic, error: String(error), codes: found })
    if (found.includes(codes.unknownMemberId)) {
      this.#member = ''
      await this.#hold([])
      return true
    }
    if (found.includes(codes.fencedInstanceId)) {
      // Two processes with one name would take the partitions from each other for ever.
      this.#instance = `${this.#options.instance}-${systemRandom.id()}`
      this.#member = ''
      log.warn('bus: another process has the name of this instance', { instance: this.#instance })
      await this.#hold([])
      return true
    }
    this.#link?.close()
    this.#link = undefined
    if (systemClock.now() - this.#confirmedAt > sessionMs) await this.#hold([])
    return false
  }

  async #join(): Promise<void> {
    const { cluster, topic, sessionMs } = this.#options
    const name = cluster.nameOf(topic)
    const link = await cluster.coordinatorOf(name, `group ${topic}`)
    this.#link = link
    // Nobody is waited for longer than it takes to notice that it is dead.
    const rebalanceMs = sessionMs
    const metadata = subscriptionOf(name, this.#held)
    const startedAt = systemClock.now()
    // A member that waits for the others is alive to the broker; the first join confirms nothing.
    if (this.isConfirmed) this.#joinEndsAt = startedAt + sessionMs + rebalanceMs
    const joined = await link.ask(
      sessionMs + rebalanceMs + graceMs,
      requests.joinGroup,
      name,
      sessionMs,
      rebalanceMs,
      this.#member,
      this.#instance,
      protocolType,
      [{ name: protocolName, metadata }],
      '',
    )
    this.#member = joined.memberId ?? ''
    this.#generation = joined.generationId
    const answeredAt = systemClock.now()
    const isLeader = joined.leader === joined.memberId && !joined.skipAssignment
    const assignments = isLeader ? await this.#assign(name, joined) : []
    const synced = await link.ask(
      sessionMs,
      requests.syncGroup,
      name,
      this.#generation,
      this.#member,
      this.#instance,
      protocolType,
      joined.protocolName,
      assignments,
    )
    this.#confirmedAt = answeredAt
    this.#hasGivenUp = false
    this.#joinEndsAt = Number.NEGATIVE_INFINITY
    this.joins++
    // Told, not awaited: the consumer may read its whole log before it is ready.
    void this.#hold(assignedIn(synced.assignment))
  }

  async #assign(name: string, joined: JoinAnswer) {
    const { cluster, topic } = this.#options
    await cluster.refresh()
    const partitions = cluster.topic(topic)?.leaders.length ?? 0
    // A topic that was just made: shares of nothing would be valid for as long as nobody leaves.
    if (partitions === 0) throw new Error(`Topic ${name} is not known yet.`)
    const members = joined.members.map(({ memberId, metadata }) => ({
      id: memberId,
      held: heldIn(metadata),
    }))
    return Array.from(shareOut(members, partitions), ([memberId, share]) => ({
      memberId,
      assignment: assignmentOf(name, share),
    }))
  }

  /** Says that it lives until something is wrong; a rebalance is an error of the broker, too. */
  async #stay(): Promise<void> {
    const { sessionMs } = this.#options
    const everyMs = sessionMs / heartbeatsPerSession
    while (!this.#isClosed) {
      await this.#pause(everyMs)
      const membership = this.membership
      if (this.#isClosed) return
      if (membership === undefined) throw new Error('Not confirmed for a session time.')
      const { link, group, generation, member, instance } = membership
      const startedAt = systemClock.now()
      try {
        await link.ask(everyMs * 2, requests.heartbeat, group, generation, member, instance)
        this.#confirmedAt = startedAt
        if (this.#hasGivenUp) throw new Error('The answer came after all was given up.')
      } catch (error) {
        if (codesOf(error).includes(codes.rebalanceInProgress)) {
          this.#confirmedAt = startedAt
          await this.#options.beforeRebalance()
        }
        throw error
      }
    }
  }

  #look(): void {
    if (this.#held.length === 0 || this.isConfirmed) return
    this.#hasGivenUp = true
    void this.#hold([])
  }

  #hold(partitions: readonly number[]): Promise<void> {
    this.#held = partitions
    this.#telling = this.#telling.then(() => this.#options.onHeld(partitions))
    return this.#telling
  }

  async #pause(ms: number): Promise<void> {
    const woken = Promise.withResolvers<void>()
    this.#wake = woken.resolve
    const timer = systemClock.after(ms, woken.resolve)
    await woken.promise
    timer.cancel()
  }
}
