/**
 * Notices that a database has lost what it had acknowledged, as after a fail-over to a replica that
 * lagged. Such a database breaks the promise of storage.ts, and no protocol can make up for it; so
 * it is never silent: it is logged as an error and counted.
 *
 * How: each step that writes also raises a counter of this instance in its partition, and the
 * instance remembers the highest that was acknowledged. A stored counter below it means that an
 * acknowledged write is gone. Who writes nothing looks every few seconds. What it cannot notice:
 * writes of an instance that has died, or started anew, since; bulk loads.
 */
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { single } from '../runtime/metric.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Draft, Storage } from './storage.ts'

export interface LossWatchOptions {
  /** The name of this instance. If two share a counter, one can hide what the other has lost. */
  readonly instance: string
  readonly clock: Clock
  readonly log: Log
}

const lookEveryMs = 2_000
/** Counters in a partition at most, however many instances come and go. */
const counterSlots = 64

interface Counted<T> {
  readonly result: T
  readonly found: number
  /** What was acknowledged when the step ran: the database must have it. */
  readonly acknowledged: number
  /** Absent if nothing was written. */
  readonly made?: number
}

/** The same storage, watched; a loss is told once, and counting goes on from what is there. */
export function watchLosses(storage: Storage, options: LossWatchOptions): Storage {
  const { clock, log, instance } = options
  const key = `written:${partitionOf(instance, counterSlots)}`
  const highest: number[] = new Array(storage.partitions).fill(0)
  let losses = 0
  const judge = (partition: number, found: number, acknowledged: number) => {
    // Of steps that ran side by side only the first tells it.
    if (found >= acknowledged || highest[partition]! < acknowledged) return
    losses++
    highest[partition] = found
    log.error('the database has lost acknowledged writes', {
      partition,
      writes: acknowledged - found,
    })
  }
  const transact = async <T>(
    partition: number,
    keys: readonly string[],
    step: (draft: Draft) => T,
  ): Promise<T> => {
    const counted = (draft: Draft) => countedStep(draft, key, highest[partition]!, step)
    const done = await storage.transact(partition, [...keys, key], counted)
    judge(partition, done.found, done.acknowledged)
    const { made = 0 } = done
    if (made > highest[partition]!) highest[partition] = made
    return done.result
  }
  const look = async (partition: number) => {
    const acknowledged = highest[partition]!
    if (acknowledged === 0) return
    judge(partition, (await storage.read<number>(partition, key)) ?? 0, acknowledged)
  }
  const timer: Timer = clock.every(lookEveryMs, () => {
    for (const partition of highest.keys()) look(partition).catch(() => {})
  })
  const told = single(
    'counter',
    'till_storage_losses_total',
    'Times that the database turned out to have lost acknowledged writes: a person must look',
    () => losses,
  )
  return {
    partitions: storage.partitions,
    transact,
    read: (partition, each) => storage.read(partition, each),
    scan: (partition, prefix, page) => storage.scan(partition, prefix, page),
    load: (partition, entries) => storage.load(partition, entries),
    ...(storage.health && { health: () => storage.health!() }),
    metrics: [...(storage.metrics ?? []), told],
    close: async () => {
      timer.cancel()
      await storage.close()
    },
  }
}

function countedStep<T>(
  draft: Draft,
  key: string,
  acknowledged: number,
  step: (draft: Draft) => T,
): Counted<T> {
  const found = draft.get<number>(key) ?? 0
  let isWritten = false
  const result = step({
    get: (each) => draft.get(each),
    put: (each, record) => {
      isWritten = true
      draft.put(each, record)
    },
    delete: (each) => {
      isWritten = true
      draft.delete(each)
    },
  })
  // The storage itself refuses a step that is not over yet.
  if (result instanceof Promise) return result as never
  if (!isWritten) return { result, found, acknowledged }
  draft.put(key, found + 1)
  return { result, found, acknowledged, made: found + 1 }
}
