/**
 * One service's database, shared by all its instances and surviving every one of them.
 *
 * Each group of steps is atomic at one moment between its sending and its answer, which the seed
 * chooses. It may fail before the effect or after it (the caller is told the same), be slow, be
 * answered late, take effect after its sender has died, or have its steps run twice. Whatever is
 * written is told to the checkers, step by step.
 */
import { ShopError } from '../lib/runtime/errors.ts'
import { type CountingStep, LossWatch, type LossWatchOptions } from '../lib/storage/loss-watch.ts'
import type { Json, Storage, StoredEntry } from '../lib/storage/storage.ts'
import type { Change, Write } from './change.ts'
import type { Draw } from './draw.ts'
import type { FaultBoard } from './faults.ts'
import { runGroup, type Task } from './group.ts'
import type { Scene, SimProcess } from './process.ts'
import { chunksOf, frozen, pageOf, type Space, writesOf } from './space.ts'
import type { Life } from './world.ts'

const loadChunk = 8
/** Changes that one fail-over loses at most. */
export const mostLost = 8
/** While no fault slows the database. */
const acknowledgedWithinMs = 50
const unavailable = () => new ShopError('storage_unavailable', 'The database does not answer.')

export class SimDatabase {
  readonly service: string
  readonly spaces: Space[]
  readonly #scene: Scene
  readonly #board: FaultBoard
  readonly #mood: Draw['storage']
  readonly #onChange: (change: Change) => void
  /** The director lets the group that has just taken effect fail. */
  #isFailing = false
  /** The newest changes of each partition, oldest first: what a fail-over can lose. */
  readonly #newest: Change[][]

  constructor(
    scene: Scene,
    service: string,
    partitions: number,
    board: FaultBoard,
    mood: Draw['storage'],
    onChange: (change: Change) => void,
  ) {
    this.#scene = scene
    this.service = service
    this.spaces = Array.from({ length: partitions }, () => new Map())
    this.#newest = this.spaces.map(() => [])
    this.#board = board
    this.#mood = mood
    this.#onChange = onChange
  }

  /** `watcher`: what it loses is looked for as on Redis. */
  connect(
    process: SimProcess,
    life: Life,
    watcher?: Pick<LossWatchOptions, 'clock' | 'log'>,
  ): Storage {
    const { world } = this.#scene
    const read = <R extends Json>(partition: number, key: string) =>
      this.#ask(process, life, () => this.spaces[partition]!.get(key) as R | undefined, key)
    const [instance, partitions] = [process.name, this.spaces.length]
    const watch = watcher && new LossWatch({ ...watcher, instance, partitions, read })
    const queues: Task[][] = this.spaces.map(() => [])
    const lastEffectAt = this.spaces.map(() => 0)
    const flush = (partition: number) => {
      const tasks = queues[partition]!.splice(0)
      if (process.reaches('crash-before-write', life)) return
      const at = Math.max(world.now + this.#latency(), lastEffectAt[partition]!)
      lastEffectAt[partition] = at
      this.#run(process, life, at - world.now, {
        isFated: () => this.#isFated(process.name, partition, tasks),
        effect: () => this.#apply(process.name, partition, tasks, watch?.countingIn(partition)),
        fail: (error) => {
          for (const task of tasks) task.reject(error)
        },
        isWrite: true,
      })
    }
    return {
      partitions: this.spaces.length,
      transact: (partition, keys, step) => {
        world.isStirred = true
        return new Promise((resolve, reject) => {
          this.#board.letIn(this.#scene)
          queues[partition]!.push({ keys, step, resolve, reject })
          if (queues[partition]!.length === 1) world.after(0, () => flush(partition), life)
        })
      },
      read,
      scan: (partition, prefix, options) =>
        this.#ask(process, life, () => pageOf(this.spaces[partition]!, prefix, options)),
      load: (partition, entries) => this.#load(process, life, partition, entries),
      close: async () => {},
    }
  }

  /** Puts a record there before anything runs. */
  place(partition: number, key: string, record: Json): void {
    this.#put('nobody', partition, [[key, record]], true)
  }

  /**
   * A fail-over to a replica that lagged: the newest changes of a partition never were. Returns how
   * many steps are lost that had surely been acknowledged.
   */
  loseLast(partition: number, count: number): number {
    const { now } = this.#scene.world
    const lost = this.#newest[partition]!.splice(-count)
    for (const { writes } of lost.toReversed()) {
      const before = writes.map(({ key, before }) => [key, before] as const)
      this.#put('fail-over', partition, before, false)
      this.#newest[partition]!.pop()
    }
    return lost.filter(({ at, process, isLoad }) => {
      return !isLoad && process !== 'fail-over' && now - at > acknowledgedWithinMs
    }).length
  }

  /** The state at this moment, for checkers. */
  get(partition: number, key: string): Json | undefined {
    return this.spaces[partition]?.get(key)
  }

  *entries(prefix: string): Iterable<[string, Json, number]> {
    for (const [partition, space] of this.spaces.entries()) {
      for (const [key, record] of space) if (key.startsWith(prefix)) yield [key, record, partition]
    }
  }

  #latency(): number {
    const { world } = this.#scene
    const slow = this.#board.on('storage-slow', this.service)
    const extra = slow === undefined ? 0 : world.random.next() * slow.rate * 400
    return this.#mood.latencyMs * (0.2 + world.random.next()) + extra
  }

  /** Reads as one moment; rejects while the database is away. */
  #ask<T>(process: SimProcess, life: Life, read: () => T, key = ''): Promise<T> {
    this.#scene.world.isStirred = true
    return new Promise((resolve, reject) => {
      const { director } = this.#scene
      this.#board.letIn(this.#scene)
      this.#run(process, life, this.#latency(), {
        isFated: () => director?.sees({ kind: 'reads', process: process.name, key }) === 'fails',
        effect: () => {
          const result = read()
          return () => resolve(result)
        },
        fail: reject,
        isWrite: false,
      })
    })
  }

  #run(
    process: SimProcess,
    life: Life,
    inMs: number,
    work: {
      isFated?(): boolean
      effect(): () => void
      fail(error: unknown): void
      isWrite: boolean
    },
  ): void {
    const { world, coverage, timeline } = this.#scene
    const { random } = world
    const answer = (run: () => void) => {
      const late = this.#board.on('storage-late', this.service)
      const extra = late !== undefined && random.next() < late.rate ? random.next() * 2_000 : 0
      if (extra > 0) coverage.add('storage: answered late')
      const settle = () => {
        world.isStirred = true
        run()
      }
      world.after(this.#latency() + extra, settle, life)
    }
    const isGhost = random.next() < this.#mood.ghosts
    world.after(inMs, () => {
      if (!life.isAlive && !(isGhost && work.isWrite)) return
      if (!life.isAlive) coverage.add('storage: effect after death')
      const wasAlive = life.isAlive
      const isFated = work.isFated?.() === true
      if (wasAlive && !life.isAlive) return
      if (isFated || this.#isHit('storage-away') || this.#isHit('storage-fails-before')) {
        coverage.add(`storage: failed before ${work.isWrite ? 'a write' : 'a read'}`)
        timeline.note(world.now, this.service, () => `database fails ${process.name}`)
        return answer(() => work.fail(unavailable()))
      }
      const settle = work.effect()
      if (work.isWrite && process.reaches('crash-after-write', life)) return
      const isFailing = this.#isFailing
      this.#isFailing = false
      if (isFailing || (work.isWrite && this.#isHit('storage-fails-after'))) {
        coverage.add('storage: failed after a write')
        timeline.note(world.now, this.service, () => `database fails ${process.name} afterwards`)
        return answer(() => work.fail(unavailable()))
      }
      answer(settle)
    })
  }

  #isHit(kind: 'storage-away' | 'storage-fails-before' | 'storage-fails-after'): boolean {
    const fault = this.#board.on(kind, this.service)
    if (fault === undefined) return false
    return kind === 'storage-away' || this.#scene.world.random.next() < fault.rate
  }

  /** What is about to be written is shown to the director; true where it fails. */
  #isFated(process: string, partition: number, tasks: readonly Task[]): boolean {
    const { director } = this.#scene
    if (director === undefined) return false
    const writes = writesOf(this.spaces[partition]!, tasks)
    return director.sees({ kind: 'writing', process, service: this.service, writes }) === 'fails'
  }

  /** Runs each step as a group of its own, at one moment: the same, and each can be told apart. */
  #apply(
    process: string,
    partition: number,
    tasks: readonly Task[],
    counting: CountingStep | undefined,
  ): () => void {
    const space = this.spaces[partition]!
    const { world, coverage } = this.#scene
    const settled: (() => void)[] = []
    let isWritten = false
    for (const task of tasks) {
      if (world.random.next() < this.#mood.repeats) {
        coverage.add('storage: step run twice')
        runGroup([{ ...task, resolve: () => {}, reject: () => {} }], (key) => space.get(key))
      }
      const group = runGroup([task], (key) => space.get(key))
      settled.push(group.settle)
      isWritten ||= group.writes.size > 0
      this.#put(process, partition, [...group.writes], false)
    }
    if (counting !== undefined && isWritten) {
      const count = runGroup([counting], (key) => space.get(key))
      settled.push(count.settle)
      this.#put(process, partition, [...count.writes], false)
    }
    return () => {
      for (const settle of settled) settle()
    }
  }

  #put(
    process: string,
    partition: number,
    puts: readonly (readonly [string, Json | undefined])[],
    isLoad: boolean,
  ): void {
    if (puts.length === 0) return
    const space = this.spaces[partition]!
    const writes = puts.map(([key, after]): Write => {
      const before = space.get(key)
      if (after === undefined) space.delete(key)
      else space.set(key, frozen(after))
      return { key, before, after }
    })
    const at = this.#scene.world.now
    const change = { at, service: this.service, partition, process, isLoad, writes }
    const newest = this.#newest[partition]!
    newest.push(change)
    if (newest.length > mostLost) newest.shift()
    this.#onChange(change)
    if (isLoad) return
    const fate = this.#scene.director?.sees({ kind: 'written', ...change })
    if (fate === 'fails') this.#isFailing = true
  }

  async #load(
    process: SimProcess,
    life: Life,
    partition: number,
    entries: Iterable<StoredEntry>,
  ): Promise<void> {
    for (const chunk of chunksOf(entries, loadChunk)) {
      this.#scene.world.isStirred = true
      await new Promise<void>((resolve, reject) => {
        this.#run(process, life, this.#latency(), {
          effect: () => {
            this.#put(process.name, partition, chunk, true)
            return resolve
          },
          fail: reject,
          isWrite: true,
        })
      })
    }
  }
}
