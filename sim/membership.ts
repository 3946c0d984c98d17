/**
 * Who holds which partition of a topic. As with a real broker, members join and leave, a session
 * that has run out gives a silent member's partitions to others, and the old holder learns of it
 * late: for a while two may believe that they hold one partition, or nobody does.
 */
import type { Consumer } from '../lib/bus/bus.ts'
import type { Topic } from '../protocol/messages.ts'
import type { Scene, SimProcess } from './process.ts'
import type { Life } from './world.ts'

export interface Member {
  readonly process: SimProcess
  readonly life: Life
  readonly consumer: Consumer
  readonly topic: Topic
  /** What it believes that it holds. */
  readonly owned: Set<number>
  /** Of these, the ones whose `assigned` has resolved. */
  readonly ready: Set<number>
}

const retryAssignMs = 100
const tellMs = 5

export class Membership {
  readonly topic: Topic
  readonly #scene: Scene
  readonly #count: number
  readonly #onReady: (partition: number) => void
  readonly #members: Member[] = []
  /** Who should hold each partition. */
  readonly #wanted: (Member | undefined)[] = []
  readonly #expired = new Set<Member>()
  #rotation = 0

  constructor(
    scene: Scene,
    topic: Topic,
    partitions: number,
    onReady: (partition: number) => void,
  ) {
    this.#scene = scene
    this.topic = topic
    this.#count = partitions
    this.#onReady = onReady
  }

  partitions(): readonly number[] {
    if (this.topic !== 'inbox') return Array.from({ length: this.#count }, (_, index) => index)
    return this.#members.map(({ process }) => process.index)
  }

  memberOf(process: SimProcess): Member | undefined {
    return this.#members.find((member) => member.process === process)
  }

  /** Those that messages of a partition may reach now. */
  holders(partition: number): readonly Member[] {
    return this.#members.filter((each) => each.life.isAlive && each.ready.has(partition))
  }

  get isSettled(): boolean {
    return this.#wanted.every(
      (wanted, partition) =>
        wanted?.life.isAlive &&
        wanted.ready.has(partition) &&
        this.#members.every((each) => each === wanted || !each.owned.has(partition)),
    )
  }

  /** A process that was a member before comes back as the same member (static membership). */
  join(member: Member): void {
    const before = this.#members.findIndex(({ process }) => process === member.process)
    if (before >= 0) {
      const [old] = this.#members.splice(before, 1, member)
      this.#expired.delete(old!)
      for (const [partition, wanted] of this.#wanted.entries()) {
        if (wanted === old) this.#wanted[partition] = member
      }
    } else {
      this.#members.push(member)
    }
    if (this.topic === 'inbox') return
    this.#distribute(tellMs)
  }

  left(member: Member, sessionMs: number): void {
    const { world } = this.#scene
    world.after(sessionMs, () => {
      const index = this.#members.indexOf(member)
      if (index < 0) return
      this.#members.splice(index, 1)
      if (this.topic !== 'inbox') this.#distribute(tellMs)
    })
  }

  paused(process: SimProcess, sessionMs: number): void {
    const { world, coverage } = this.#scene
    const member = this.memberOf(process)
    if (member === undefined || this.topic === 'inbox') return
    world.after(sessionMs, () => {
      if (!member.life.isAlive || member.life.pausedUntil <= world.now) return
      coverage.add('bus: zombie')
      this.#expired.add(member)
      this.#distribute(tellMs)
    })
    // Runs when it wakes up: it still believes, and learns the truth a little later.
    world.after(
      sessionMs,
      () => {
        world.after(world.random.next() * 500, () => this.#rejoin(member), member.life)
      },
      member.life,
    )
  }

  /** Partitions move on by one member; who has them learns of it within `overlapMs`. */
  shuffle(overlapMs: number, by: 1 | -1): void {
    this.#rotation += by
    if (this.topic === 'inbox') return
    this.#scene.coverage.add(by === 1 ? 'bus: rebalanced' : 'bus: rebalanced back')
    this.#distribute(overlapMs)
  }

  #rejoin(member: Member): void {
    if (!this.#expired.delete(member)) return
    this.#distribute(tellMs)
  }

  #distribute(withinMs: number): void {
    const { world } = this.#scene
    const live = this.#members.filter((each) => !this.#expired.has(each))
    for (let partition = 0; partition < this.#count; partition++) {
      const next = live[(partition + this.#rotation) % Math.max(1, live.length)]
      // Nobody else: it stays with who has it.
      if (next !== undefined) this.#wanted[partition] = next
      else this.#wanted[partition] ??= undefined
    }
    for (const member of this.#members) {
      for (let partition = 0; partition < this.#count; partition++) {
        const isWanted = this.#wanted[partition] === member
        if (isWanted === member.owned.has(partition)) continue
        const tell = () => this.#tell(member, partition)
        world.after(world.random.next() * withinMs, tell, member.life)
      }
    }
  }

  #tell(member: Member, partition: number): void {
    const { world, timeline } = this.#scene
    const isWanted = this.#wanted[partition] === member
    if (isWanted === member.owned.has(partition)) return
    world.isStirred = true
    const verb = isWanted ? 'gets' : 'loses'
    timeline.note(world.now, member.process.name, () => `${verb} ${this.topic}/${partition}`)
    if (isWanted) {
      member.owned.add(partition)
      void this.#assign(member, partition)
    } else {
      member.owned.delete(partition)
      member.ready.delete(partition)
      void member.consumer.revoked?.(partition)
    }
  }

  /** `assigned` is called until it succeeds; messages follow then. */
  async #assign(member: Member, partition: number): Promise<void> {
    const { world, coverage } = this.#scene
    try {
      await member.consumer.assigned?.(partition)
      if (!member.owned.has(partition) || !member.life.isAlive) return
      member.ready.add(partition)
      this.#onReady(partition)
    } catch {
      coverage.add('bus: assignment failed')
      const again = () => {
        if (member.owned.has(partition)) void this.#assign(member, partition)
      }
      world.after(retryAssignMs, again, member.life)
    }
  }
}
