/**
 * The shops of the matrix: small, because each is run thousands of times, and four kinds, because a
 * fault meets a lone checkout differently from one among rivals, among repeats of itself, or where
 * another instance takes over.
 */
import { readConfig } from '../../lib/runtime/config.ts'
import { seededRandom } from '../../lib/runtime/random.ts'
import type { Home, ProtocolName } from '../../protocol/messages.ts'
import type { Draw, Variant, Weights } from '../draw.ts'
import type { Point } from './point.ts'

export const shopNames = ['alone', 'rivals', 'repeated', 'replicated'] as const
export type ShopName = (typeof shopNames)[number]

export const tellShop: Readonly<Record<ShopName, string>> = {
  alone: 'one order, checked out by one client',
  rivals: 'four orders of two users want the same items, and there may not be enough',
  repeated: 'each order is checked out several times at once, and again where no answer came',
  replicated: 'two instances of each service share two partitions; rivals and repeats',
}

/** How the fault of a cell is aimed, as a seed draws it. */
export interface Aim {
  /** It meets this many-th transaction that comes to the point. */
  readonly nth: number
  readonly downMs: number
  readonly lateMs: number
  /** Between two copies of a message. */
  readonly apartMs: number
  /** Clients and processes go on for this long before everything heals. */
  readonly restMs: number
}

const quiet: Weights = {
  ...{ checkout: 0, burst: 0, addItem: 0, add: 0, subtract: 0 },
  ...{ addFunds: 0, pay: 0, create: 0, find: 0, batchInit: 0 },
}

const sizes: Readonly<
  Record<ShopName, Pick<Draw, 'orders' | 'users'> & { clients: number; actions: number } & Weights>
> = {
  alone: { ...quiet, orders: 1, users: 1, clients: 1, actions: 2, checkout: 1 },
  rivals: { ...quiet, orders: 4, users: 2, clients: 4, actions: 6, checkout: 1 },
  repeated: { ...quiet, orders: 2, users: 1, clients: 2, actions: 3, burst: 1 },
  replicated: { ...quiet, orders: 4, users: 2, clients: 3, actions: 5, checkout: 1, burst: 1 },
}

const base = readConfig({}, {})
/** As long as a history waits for its point to be reached. */
const longestMs = 1_500
/** Clients hang up then: before a late message arrives, so that they repeat. */
const clientTimeoutMs = 350
/** Beyond the deadline of a checkout. */
const beyondMs = 300

export function drawCell(
  cell: { index: number; variant: Variant; shop: ShopName; fault: string; point: Point },
  seed: number,
): { draw: Draw; aim: Aim } {
  const { variant, shop, point } = cell
  const random = seededRandom(seed * 2_003 + cell.index)
  const pick = <T>(...choices: readonly T[]): T => choices[random.integer(choices.length)]!
  const [protocol, coordination] = variant.split('/') as [ProtocolName, Home]
  const { clients, actions, orders, users, ...weights } = sizes[shop]
  const isDelayed = cell.fault === 'delay'
  const checkoutDeadlineMs = point.isAnsweredFirst ? 1_000 : isDelayed ? 100 : pick(100, 400)
  const isReplicated = shop === 'replicated'
  const count = isReplicated ? 2 : 1
  const lateMs = checkoutDeadlineMs + beyondMs
  const downMs = pick(20, 150, 700)
  const draw: Draw = {
    seed: seed * 2_003 + cell.index,
    variant,
    config: {
      ...base,
      ...{ protocol, coordination, checkoutDeadlineMs },
      partitions: isReplicated ? 2 : 1,
      answerWaitMs: point.isAnsweredFirst ? 0 : pick(0, 50, 500),
      // Late means later than the deadline: no copy may come sooner.
      resendFirstMs: isDelayed ? 150 : pick(30, 150),
      ...{ resendMaxMs: 200, inquireAfterMs: 300, sweepMs: 100 },
      keptDecisions: pick(0, 10_000),
    },
    instances: { order: count, stock: count, payment: count, orchestrator: count },
    ...{ orders, users, items: 5, linesMost: 3, quantityMost: 2 },
    stockPerDemand: point.scene === 'paid' && shop !== 'alone' ? pick(0.8, 1, 5) : 1,
    creditPerDemand: point.scene === 'paid' ? pick(1, 5) : pick(0.4, 0.7),
    bus: {
      ...{ delayMs: pick(0.5, 2), repeats: 0, sessionMs: 100 },
      isSerial: pick(true, false),
      isAtLeastOnce: pick(true, false),
    },
    storage: { latencyMs: pick(0.2, 1), repeats: 0, ghosts: pick(0, 0.5), crowds: 0 },
    load: {
      ...{ clients, actions, weights, keyed: 0, keyedTwice: 0, clientTimeoutMs },
      thinkMs: pick(0, 10),
      repeats: shop === 'repeated' ? 1 : pick(0, 1),
    },
    safetyMs: longestMs,
    faults: [],
    hasTail: false,
  }
  const restMs = isDelayed ? lateMs : pick(0, downMs)
  const apartMs = pick(0, lateMs)
  const nth = shop === 'alone' ? 1 : pick(1, 1, 2)
  return { draw, aim: { nth, downMs, lateMs, apartMs, restMs } }
}
