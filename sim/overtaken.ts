/**
 * Owners of coordinator partitions that are overtaken and do not know it yet, while something old
 * is stuck: their low-water marks lag behind the newest, nothing that has ended is kept, and
 * participants ask often. Longer histories than others.
 */
import { seededRandom } from '../lib/runtime/random.ts'
import {
  Dice,
  type Draw,
  drawHistory,
  processNames,
  serviceKeys,
  type Variant,
  variants,
} from './draw.ts'
import { drawFaults, type FaultKind } from './faults.ts'

/** What overtakes an owner, and what keeps a transaction from its end. */
const kinds: readonly FaultKind[] = [
  ...(['rebalance', 'rebalance', 'rebalance', 'pause', 'cut-in'] as const),
  ...(['storage-away', 'storage-slow', 'stop'] as const),
]

const safetyMs = 40_000
const longestMs = 20_000
const clients = 8
const plenty = 5
/** Slower ones cannot keep up with so many checkouts behind a bus that is serial. */
const slowestMs = 1

/** The history of this seed with owners that are overtaken for long. */
export function drawOvertaken(variant: Variant, seed: number): Draw {
  const draw = drawHistory(variant, seed)
  const own = seed * 4_099 + 4 * variants.indexOf(variant) + 19
  const dice = new Dice(seededRandom(own))
  const config = {
    ...draw.config,
    ...{ keptDecisions: 0, inquireAfterMs: 300, partitions: dice.pick(2, 4) },
    ...{ sweepMs: dice.pick(200, 1_000), checkoutDeadlineMs: dice.pick(1_000, 5_000) },
    audit: false,
  }
  const instances = {
    ...{ order: 2, orchestrator: 2 },
    ...{ stock: dice.pick(1, 2), payment: dice.pick(1, 2) },
  }
  const actions = dice.pick(400, 800)
  const load = {
    ...draw.load,
    ...{ clients, actions, thinkMs: (safetyMs * clients) / actions, clientTimeoutMs: 30_000 },
    // It would end what is stuck.
    weights: { ...draw.load.weights, batchInit: 0 },
  }
  const faults = drawFaults(
    seededRandom(own + 0x5eed),
    { count: dice.between(12, 32), kinds, withinMs: safetyMs, longestMs },
    { processes: processNames(instances), services: serviceKeys },
  )
  return {
    ...{ ...draw, config, instances, safetyMs, load, faults },
    storage: { ...draw.storage, latencyMs: Math.min(draw.storage.latencyMs, slowestMs) },
    ...{ orders: 600, stockPerDemand: plenty, creditPerDemand: plenty, hasTail: false },
  }
}
