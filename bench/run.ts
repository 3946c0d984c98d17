/**
 * One run: fill the shop, load it, and check its books. The figures of a run whose books are wrong
 * are worth nothing, and report.ts says so.
 */
import { systemClock } from '../lib/runtime/clock.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import { settled } from '../test/checker.ts'
import { httpRecords } from '../test/http-records.ts'
import { type ArrivalKind, planArrivals } from './arrivals.ts'
import { type Audit, auditBooks, recordedBooks } from './books.ts'
import type { LatencySummary } from './latency.ts'
import { runLoad } from './load.ts'
import { publicBooks } from './public-books.ts'
import { type Costs, costsOf, type Sample as ShopSample, sampleOf } from './shop-counters.ts'
import type { Target } from './shop-under-test.ts'
import { fill, isNumbered, type Orders, shuffled, type WorkloadOptions } from './workload.ts'

export interface LoadSettings {
  /** Connections; in a closed loop the checkouts at once. */
  readonly concurrency: number
  /** Requests a second of an open loop; undefined for a closed one. */
  readonly rate?: number | undefined
  readonly arrivals: ArrivalKind
  readonly warmUpMs: number
  readonly durationMs?: number | undefined
  /** Orders are drawn at random, also again, instead of each being checked out once. */
  readonly repeats: boolean
  readonly seed: number
}

export interface Figures {
  /** Paid checkouts a second, from the end of the warm-up to the last answer. */
  readonly perSecond: number
  readonly elapsedMs: number
  readonly paid: number
  readonly refused: number
  readonly unavailable: number
  readonly failed: number
  readonly latencyMs: LatencySummary
  /** Open loop: how late requests were sent. */
  readonly lagMs?: LatencySummary | undefined
  /** What each answer has cost the shop. */
  readonly costs: Costs
  readonly ownBytesBefore?: number | undefined
  readonly ownBytesAfter?: number | undefined
  /** Of one core. */
  readonly generatorCpuPercent: number
  readonly generatorCpuMicrosPerRequest: number
  readonly paidOrders: number
  readonly differences: readonly string[]
}

/** How far a run is: what it does, and the share of it that is done, 0 to 1. */
export type OnProgress = (part: string, share: number) => void

const fillConnections = 32
/** I5: how long the shop may take to come to rest. */
const restWithinMs = 5_000

export async function runOnce(
  target: Target,
  workload: WorkloadOptions,
  load: LoadSettings,
  onProgress: OnProgress,
): Promise<Figures> {
  const random = seededRandom(load.seed)
  const orders = await fill(workload, {
    origin: target.origin,
    random,
    connections: fillConnections,
    onProgress: (made, records) => onProgress('filling', made / records),
  })
  const { figures, statuses } = await measure(target, orders, load, onProgress)
  onProgress('checking the books', 1)
  const audit = await auditOf(target, workload, orders, statuses)
  return { ...figures, ...audit }
}

/**
 * Which order is next: each once, in a random order, or any; then as many as there are, or for
 * ever.
 */
function drawing(count: number, { repeats, durationMs }: LoadSettings, random: Random) {
  const order = repeats ? undefined : shuffled(count, random)
  const most = repeats && durationMs !== undefined ? Infinity : count
  let used = 0
  return {
    next: () => {
      if (used === most) return undefined
      used++
      return order === undefined ? random.integer(count) : order[used - 1]
    },
    share: () => used / most,
  }
}

const notKnown = 503

/**
 * What two answers to checkouts of one order say together: paid if one says so; not known if one
 * does not know; refused if both refuse. 0 is no answer yet.
 */
export function together(one: number, other: number): number {
  const known = other > 0 ? other : notKnown
  if (one === 0 || known === 200) return known
  return one === 200 || one >= 500 ? one : Math.max(one, known)
}

interface Sample {
  readonly shop: ShopSample
  readonly generator: NodeJS.CpuUsage
}

async function measure(
  target: Target,
  orders: Orders,
  load: LoadSettings,
  onProgress: OnProgress,
): Promise<{ figures: Omit<Figures, keyof Audit>; statuses: Uint16Array }> {
  const random = seededRandom(load.seed)
  const { next, share: shareUsed } = drawing(orders.count, load, random)
  const statuses = new Uint16Array(orders.count)
  const sample = async (): Promise<Sample> => {
    const generator = process.cpuUsage()
    return { shop: await sampleOf(target), generator }
  }
  let began: Promise<Sample> | undefined
  const startedAt = systemClock.now()
  const totalMs = load.warmUpMs + (load.durationMs ?? Infinity)
  const share = () => Math.min(1, Math.max(shareUsed(), (systemClock.now() - startedAt) / totalMs))
  const timer = systemClock.every(250, () =>
    onProgress(began === undefined ? 'warming up' : 'measuring', share()),
  )
  const { rate, arrivals, warmUpMs, durationMs } = load
  const { tally, elapsedMs } = await runLoad({
    origin: target.origin,
    connections: load.concurrency,
    clock: systemClock,
    next,
    pathOf: (index) => `/orders/checkout/${orders.idOf(index)}`,
    warmUpMs,
    durationMs,
    arrivals: rate === undefined ? undefined : planArrivals(arrivals, rate, random),
    onMeasuring: () => {
      began = sample()
      // Told of when the load has ended, not in the middle of it.
      began.catch(() => {})
    },
    onAnswer: (index, status) => {
      statuses[index] = together(statuses[index]!, status)
    },
  })
  timer.cancel()
  const [before, after] = await Promise.all([began, sample()])
  if (before === undefined || tally.answers === 0) {
    throw new ShopError(
      'invalid_settings',
      'Every order was used up in the warm-up: give more --orders or a shorter --warm-up.',
    )
  }
  const figures = {
    perSecond: (tally.paid / elapsedMs) * 1_000,
    elapsedMs,
    paid: tally.paid,
    refused: tally.refused,
    unavailable: tally.unavailable,
    failed: tally.failed,
    latencyMs: tally.latency.summary(),
    lagMs: rate === undefined ? undefined : tally.lag.summary(),
    ...costs(before, after, tally.answers, elapsedMs),
  }
  return { figures, statuses }
}

function costs(before: Sample, after: Sample, answers: number, elapsedMs: number) {
  const { user, system } = after.generator
  const generatorMicros = user + system - before.generator.user - before.generator.system
  return {
    costs: costsOf(before.shop, after.shop, answers),
    ownBytesBefore: before.shop.usage?.ownBytes,
    ownBytesAfter: after.shop.usage?.ownBytes,
    generatorCpuPercent: generatorMicros / elapsedMs / 10,
    generatorCpuMicrosPerRequest: generatorMicros / answers,
  }
}

async function auditOf(
  { origin, internalOrigin }: Target,
  workload: WorkloadOptions,
  orders: Orders,
  statuses: Uint16Array,
): Promise<Audit> {
  const { items, users, stock, credit } = workload
  const opening = {
    stock,
    credit,
    isOurItem: (id: string) => isNumbered(id, items),
    isOurUser: (id: string) => isNumbered(id, users),
    isOurOrder: (id: string) => orders.indexOf(id) !== undefined,
    statusOf: (id: string) => statuses[orders.indexOf(id) ?? -1] ?? 0,
  }
  if (internalOrigin === undefined) {
    await systemClock.sleep(restWithinMs)
    const orderIds = Array.from({ length: orders.count }, (_, index) => orders.idOf(index))
    return auditBooks(publicBooks({ origin, orderIds, items, users }), opening)
  }
  const records = httpRecords(internalOrigin)
  try {
    await settled(records, restWithinMs)
    const audit = await auditBooks(recordedBooks(records), opening)
    const open = (await records.open()).map(({ transaction }) => `${transaction} is still open`)
    return { ...audit, differences: [...audit.differences, ...open] }
  } finally {
    await records.close()
  }
}
