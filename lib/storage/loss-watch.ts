/**
 * Notices that a database has lost what it had acknowledged, as after a fail-over to a replica that
 * lagged. Such a database breaks the promise of storage.ts, and no protocol can make up for it; so
 * it is never silent: it is logged as an error and counted.
 *
 * How: each durable write also raises a counter of this instance in its partition, and the instance
 * remembers the highest that was acknowledged. A stored counter below it means that an acknowledged
 * write is gone. Who writes nothing looks every few seconds. What it cannot notice: writes of an
 * instance that has died, or started anew, since. Next: redis-lane.ts, which counts.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { type Metric, single } from '../runtime/metric.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Draft } from './storage.ts'

export interface LossWatchOptions {
  readonly partitions: number
  /** The name of this instance. If two share a counter, one can hide what the other has lost. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
  /** From the storage that is watched; such a key is none that a service may name. */
  read(partition: number, key: string): Promise<number | undefined>
}

const lookEveryMs = 2_000
/** Counters in a partition at most, however many instances come and go. */
const counterSlots = 64

export interface Counted {
  readonly found: number
  /** What was acknowledged when the step ran: the database must have it. */
  readonly acknowledged: number
}

/** A step that belongs at the end of each atomic write. */
export interface CountingStep {
  readonly keys: readonly string[]
  readonly step: (draft: Draft) => Counted
  /** The write is durable. */
  resolve(counted: Counted): void
  /** Nobody knows whether it is. */
  reject(): void
}

export class LossWatch {
  readonly metric: Metric
  readonly #options: LossWatchOptions
  readonly #key: string
  readonly #acknowledged: number[]
  readonly #counting: readonly CountingStep[]
  readonly #timer: Timer
  #losses = 0

  constructor(options: LossWatchOptions) {
    this.#options = options
    this.#key = `!written:${partitionOf(options.instance, counterSlots)}`
    this.#acknowledged = new Array(options.partitions).fill(0)
    this.#counting = this.#acknowledged.map((_, partition) => this.#countingIn(partition))
    this.#timer = options.clock.every(lookEveryMs, () => this.#look())
    this.metric = single(
      'counter',
      'till_storage_losses_total',
      'Times that the database turned out to have lost acknowledged writes: a person must look',
      () => this.#losses,
    )
  }

  /** The keys of this step are in no other. */
  countingIn(partition: number): CountingStep {
    return this.#counting[partition]!
  }

  close(): void {
    this.#timer.cancel()
  }

  #countingIn(partition: number): CountingStep {
    return {
      keys: [this.#key],
      step: (draft) => {
        const found = draft.get<number>(this.#key) ?? 0
        draft.put(this.#key, found + 1)
        return { found, acknowledged: this.#acknowledged[partition]! }
      },
      resolve: ({ found, acknowledged }) => {
        this.#judge(partition, found, acknowledged)
        if (found >= this.#acknowledged[partition]!) this.#acknowledged[partition] = found + 1
      },
      reject: () => {},
    }
  }

  #judge(partition: number, found: number, acknowledged: number): void {
    // Of looks that came back side by side only the first tells it; counting goes on from there.
    if (found >= acknowledged || this.#acknowledged[partition]! < acknowledged) return
    this.#losses++
    this.#acknowledged[partition] = found
    this.#options.log.error('the database has lost acknowledged writes', {
      partition,
      writes: acknowledged - found,
    })
  }

  #look(): void {
    for (const [partition, acknowledged] of this.#acknowledged.entries()) {
      if (acknowledged === 0) continue
      this.#options
        .read(partition, this.#key)
        .then((found = 0) => this.#judge(partition, found, acknowledged))
        .catch(() => {})
    }
  }
}
