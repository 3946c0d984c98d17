/**
 * One run: open-loop load on a shop, faults by a schedule, then rest, and the full check of every
 * transaction (I1 to I6). Each order is asked for once and nothing is ever repeated, so what
 * an answer has promised stands alone against the logs.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '../../lib/runtime/clock.ts'
import { seededRandom } from '../../lib/runtime/random.ts'
import { checkShop, settled } from '../../test/checker.ts'
import type { CheckoutAnswer } from '../../test/checker-answers.ts'
import { httpRecords } from '../../test/http-records.ts'
import { planArrivals } from '../arrivals.ts'
import type { EngineKind } from '../engines-under-test.ts'
import { runLoad } from '../load.ts'
import type { Progress } from '../progress.ts'
import { withDataDirectory } from '../shop-under-test.ts'
import { fill } from '../workload.ts'
import { drawSchedule, type Fault, type PlannedFault } from './schedule.ts'
import { type ChaosShop, startChaosShop } from './shops.ts'
import { ChaosWatch, type Look, type Used } from './watch.ts'

export interface ChaosSettings {
  readonly engines: EngineKind
  readonly durationMs: number
  /** Checkouts planned a second. */
  readonly rate: number
  /** Between two faults, on the average. */
  readonly everyMs: number
  readonly seed: number
}

/** An answer: when it came, in ms from the start of the load, and what it was. */
export interface TimedAnswer {
  readonly atMs: number
  /** Of HTTP; 0 or less where none came. */
  readonly status: number
}

export interface InflictedFault extends Fault {
  readonly atMs: number
  /** When it was over; what was killed may still have been starting. */
  readonly endedMs: number
}

export interface ChaosResult {
  readonly variant: string
  readonly settings: ChaosSettings
  readonly answers: readonly TimedAnswer[]
  readonly faults: readonly InflictedFault[]
  readonly looks: readonly Look[]
  readonly used: readonly Used[]
  /** From the last answer until nothing was open or held any more (I5). */
  readonly restMs: number
  /** How often each database has written its file anew. */
  readonly rewrites: Readonly<Record<string, number>>
  readonly differences: readonly string[]
}

const connections = 1_024
const fillConnections = 8
const records = { items: 1_000, users: 1_000, price: 1 } as const
/** More than can be asked for: what cannot be paid then is the fault's doing. */
const plenty = 100_000_000
/** By then every fault is over: what was killed must come back, and rest, by itself. */
const healMs = 10_000
/** I5, of the slowest there is: Kafka's restart. */
const restWithinMs = 10_000

export function runChaos(
  variant: string,
  settings: ChaosSettings,
  progress: Progress,
): Promise<ChaosResult> {
  return withDataDirectory(async (data) => {
    const { engines, durationMs, rate, everyMs, seed } = settings
    const shop = await startChaosShop(engines, variant, data)
    try {
      const random = seededRandom(seed)
      const endMs = durationMs - healMs
      const schedule = drawSchedule({ parts: shop.parts, random, everyMs, endMs })
      // Arrivals are drawn: a little more than planned may come.
      const orders = Math.ceil((rate * durationMs * 1.1) / 1_000) + 100
      const { origin } = shop.target
      await fill(
        {
          ...{ ...records, orders, stock: plenty, credit: plenty },
          ...{ mix: 'uniform', hotItems: 0, zipfExponent: 0 },
        },
        { origin, random, connections: fillConnections },
      )
      const watch = new ChaosWatch(shop)
      watch.start()
      const startedAt = systemClock.now()
      const inflicted = inflictAll(shop, schedule, startedAt, progress)
      const { told, timed } = await load(shop, settings, orders, startedAt)
      const faults = await inflicted
      progress.show('check', 1)
      await shop.healed()
      const rest = await check(shop, told)
      await watch.stop()
      const { looks, used } = watch
      const rewrites = engines === 'embedded' ? {} : rewritesOf(join(data, 'shop'), shop)
      return { variant, settings, answers: timed, faults, looks, used, rewrites, ...rest }
    } finally {
      await shop.stop()
    }
  })
}

async function inflictAll(
  shop: ChaosShop,
  schedule: readonly PlannedFault[],
  startedAt: number,
  progress: Progress,
): Promise<readonly InflictedFault[]> {
  const faults: InflictedFault[] = []
  const since = () => Math.round(systemClock.now() - startedAt)
  for (const [index, planned] of schedule.entries()) {
    await systemClock.sleep(Math.max(0, planned.atMs - since()))
    progress.show(`${planned.kind} ${planned.targets.join(' and ')}`, index / schedule.length)
    const atMs = since()
    await shop.inflict(planned)
    faults.push({ ...planned, atMs, endedMs: since() })
  }
  return faults
}

async function load(
  shop: ChaosShop,
  { rate, durationMs, seed }: ChaosSettings,
  orders: number,
  startedAt: number,
): Promise<{ told: CheckoutAnswer[]; timed: TimedAnswer[] }> {
  const told: CheckoutAnswer[] = []
  const timed: TimedAnswer[] = []
  let next = 0
  await runLoad({
    origin: shop.target.origin,
    connections,
    clock: systemClock,
    next: () => (next < orders ? next++ : undefined),
    pathOf: (index) => `/orders/checkout/${index}`,
    warmUpMs: 0,
    durationMs,
    arrivals: planArrivals('poisson', rate, seededRandom(seed)),
    onMeasuring: () => {},
    onAnswer(index, status) {
      const endedAt = systemClock.now()
      timed.push({ atMs: endedAt - startedAt, status })
      told.push({
        orderId: String(index),
        status: status > 0 ? status : undefined,
        // Of each order there is one answer, so nothing comes before or after another.
        startedAt: endedAt,
        endedAt,
      })
    },
  })
  return { told, timed }
}

async function check(
  shop: ChaosShop,
  answers: readonly CheckoutAnswer[],
): Promise<Pick<ChaosResult, 'restMs' | 'differences'>> {
  const shopRecords = httpRecords(shop.target.internalOrigin!)
  try {
    const from = systemClock.now()
    await settled(shopRecords, restWithinMs)
    const restMs = systemClock.now() - from
    const expected = { stock: () => plenty, credit: () => plenty, answers }
    return { restMs, differences: await checkShop(shopRecords, expected) }
  } finally {
    await shopRecords.close()
  }
}

/** Redis numbers its base files: the first is there from the start. */
function rewritesOf(data: string, { parts }: ChaosShop): Record<string, number> {
  const databases = parts.filter(({ kind }) => kind === 'database')
  return Object.fromEntries(
    databases.map(({ name }) => {
      const numbers = readdirSync(join(data, name, 'appendonlydir')).map((file) =>
        Number(/\.(\d+)\.base\.rdb$/.exec(file)?.[1] ?? 1),
      )
      return [name, Math.max(1, ...numbers) - 1]
    }),
  )
}
