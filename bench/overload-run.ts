/**
 * Overload: the shop is loaded to its capacity (closed loop), then at several times of it (open
 * loop), then as usual. It must go on selling, refuse the rest at once with 503 and Retry-After,
 * and be as before when the crowd is gone. From the command line: overload.ts.
 */
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import { checkShop, settled } from '../test/checker.ts'
import type { CheckoutAnswer } from '../test/checker-answers.ts'
import { httpRecords, type InternalOrigins } from '../test/http-records.ts'
import { planArrivals } from './arrivals.ts'
import { runLoad, type Tally } from './load.ts'
import type { Progress } from './progress.ts'
import { ShopUnderTest, withDataDirectory } from './shop-under-test.ts'
import { fill } from './workload.ts'

export interface OverloadSettings {
  readonly variant: string
  /** Of the capacity that was found. */
  readonly factors: readonly number[]
  /** Of each load. */
  readonly durationMs: number
  readonly orders: number
  readonly seed: number
}

/** What one load has met. */
export interface Met {
  readonly name: string
  /** Requests a second that were planned; undefined for a closed loop. */
  readonly planned: number | undefined
  /** Those that were sent, a second: a crowd of any size needs a machine to send it. */
  readonly asked: number
  /** Answers 200 a second. */
  readonly goodput: number
  readonly p99Ms: number
  readonly refused: number
  readonly unavailable: number
  /** Neither 200, 4xx nor 503. */
  readonly failed: number
  /** How much later than planned the 99th request of 100 was sent: the generator's own lack. */
  readonly lagP99Ms: number | undefined
}

export interface OverloadResult {
  readonly settings: OverloadSettings
  readonly met: readonly Met[]
  /** Commands that were sent again, of all that were obeyed. */
  readonly resendShare: number
  /** A 503 of the crowd says when to come again. */
  readonly saysRetryAfter: boolean | undefined
  /** Answers of each status, of all loads; 0 and -1 as connection.ts says. */
  readonly statuses: Readonly<Record<string, number>>
  readonly differences: readonly string[]
}

/** As many as find no idle moment of the shop, and wait no longer than need be. */
const capacityClients = 256
/** More than MAX_IN_FLIGHT_CHECKOUTS, or nobody would be one too many; less than a backlog. */
const crowdConnections = 3_000
const shelves = { items: 10_000, users: 10_000, price: 1, stock: 1e8, credit: 1e8 } as const
const restWithinMs = 5_000
/** After so long it must be as before. */
const calmAfterMs = 5_000

export function overload(settings: OverloadSettings, progress: Progress): Promise<OverloadResult> {
  return withDataDirectory(async (data) => {
    const { variant, orders, factors, seed } = settings
    const shopSettings = { AUDIT: 'true', MAX_BATCH_RECORDS: String(orders) }
    const shop = new ShopUnderTest({ variant, data, port: 0, settings: shopSettings })
    await shop.start()
    const { origin, internalOrigin } = shop.target
    const random = seededRandom(seed)
    await fill(
      { ...shelves, orders, mix: 'uniform', hotItems: 0, zipfExponent: 0 },
      { origin, random, connections: 8 },
    )
    const crowd = new Crowd(origin, settings)
    progress.show('capacity', 0)
    const met = [await crowd.load('capacity', capacityClients, undefined)]
    const capacity = met[0]!.goodput
    const asked = { retryAfter: undefined as boolean | undefined }
    for (const factor of factors) {
      const name = `${factor} times of it`
      progress.show(name, 0)
      const probing = probeRetryAfter(origin, settings.durationMs, asked)
      met.push(await crowd.load(name, crowdConnections, capacity * factor))
      await probing
    }
    await systemClock.sleep(calmAfterMs)
    progress.show('afterwards', 0)
    met.push(await crowd.load('afterwards', capacityClients, undefined))
    const statuses = Object.fromEntries(crowd.statuses)
    const records = httpRecords(internalOrigin!)
    await settled(records, restWithinMs)
    const { stock, credit } = shelves
    const expected = { stock: () => stock, credit: () => credit, answers: crowd.told }
    const differences = await checkShop(records, expected)
    await records.close()
    const resendShare = await resendShareOf(internalOrigin as InternalOrigins)
    await shop.stop()
    return { settings, met, resendShare, saysRetryAfter: asked.retryAfter, statuses, differences }
  })
}

class Crowd {
  readonly told: CheckoutAnswer[] = []
  readonly statuses = new Map<number, number>()
  readonly #origin: string
  readonly #settings: OverloadSettings
  #next = 0

  constructor(origin: string, settings: OverloadSettings) {
    this.#origin = origin
    this.#settings = settings
  }

  async load(name: string, connections: number, planned: number | undefined): Promise<Met> {
    const { durationMs, orders, seed } = this.#settings
    const { tally, elapsedMs } = await runLoad({
      origin: this.#origin,
      connections,
      clock: systemClock,
      next: () => (this.#next < orders ? this.#next++ : undefined),
      pathOf: (index) => `/orders/checkout/${index}`,
      warmUpMs: 0,
      durationMs,
      arrivals:
        planned === undefined ? undefined : planArrivals('poisson', planned, seededRandom(seed)),
      mostLate: 0,
      onMeasuring: () => {},
      onAnswer: (index, status) => this.#tell(index, status),
    })
    return metBy(name, planned, tally, elapsedMs)
  }

  #tell(index: number, status: number): void {
    const endedAt = systemClock.now()
    const orderId = String(index)
    this.statuses.set(status, (this.statuses.get(status) ?? 0) + 1)
    const known = status > 0 ? status : undefined
    this.told.push({ orderId, status: known, startedAt: endedAt, endedAt })
  }
}

const metBy = (
  name: string,
  planned: number | undefined,
  tally: Tally,
  elapsedMs: number,
): Met => ({
  ...{ name, planned, asked: (tally.answers / elapsedMs) * 1_000 },
  goodput: (tally.paid / elapsedMs) * 1_000,
  p99Ms: tally.latency.summary().p99,
  refused: tally.refused,
  unavailable: tally.unavailable,
  failed: tally.failed,
  lagP99Ms: planned === undefined ? undefined : tally.lag.summary().p99,
})

/** One more client, who reads the head of a 503: the generator looks at nothing but the status. */
async function probeRetryAfter(
  origin: string,
  durationMs: number,
  asked: { retryAfter: boolean | undefined },
): Promise<void> {
  const until = systemClock.now() + durationMs
  while (systemClock.now() < until) {
    const answer = await fetch(`${origin}/orders/checkout/0`, { method: 'POST' }).catch(() => null)
    await answer?.text()
    if (answer?.status === 503) {
      asked.retryAfter = asked.retryAfter !== false && answer.headers.has('retry-after')
    }
    await systemClock.sleep(100)
  }
}

/** Resends of both coordinators against the commands that participants have heard. */
async function resendShareOf(internal: InternalOrigins): Promise<number> {
  const sum = async (services: readonly (keyof InternalOrigins)[], path: string, name: string) => {
    const counts = services.map(async (service) => {
      const answer = await fetch(`${internal[service][0]}/internal/${service}/${path}`)
      return ((await answer.json()) as Record<string, number>)[name]!
    })
    return (await Promise.all(counts)).reduce((total, each) => total + each, 0)
  }
  const resends = await sum(['order', 'orchestrator'], 'coordinator-counters', 'resends')
  const commands = await sum(['order', 'stock', 'payment'], 'counters', 'commands')
  return resends / commands
}
