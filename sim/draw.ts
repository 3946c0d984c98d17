/**
 * Swarm testing (Groce et al. 2012): each seed draws its own shop, load and mix of faults, so that
 * what one mix hides another shows. Everything that is drawn is plain data: a seed is its history.
 */
import { type Config, readConfig } from '../lib/runtime/config.ts'
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import { drawFaults, type Fault, type FaultKind, faultKinds } from './faults.ts'

export const variants = [
  '2pc/order',
  '2pc/orchestrator',
  'saga/order',
  'saga/orchestrator',
] as const
export type Variant = (typeof variants)[number]

export type ServiceKey = 'order' | 'stock' | 'payment' | 'orchestrator'
export const serviceKeys: readonly ServiceKey[] = ['stock', 'payment', 'order', 'orchestrator']

/** Relative weights of what clients do. */
export interface Weights {
  readonly checkout: number
  readonly burst: number
  readonly addItem: number
  readonly add: number
  readonly subtract: number
  readonly addFunds: number
  readonly pay: number
  readonly create: number
  readonly find: number
  readonly batchInit: number
}

/** A fail-over that loses the newest changes of a partition (losses.ts). */
export interface Loss {
  readonly service: ServiceKey
  readonly partition: number
  readonly at: number
  readonly count: number
}

/** A deployment of another variant while checkouts run (rollouts.ts): one process after another. */
export interface Rollout {
  readonly to: Variant
  readonly config: Config
  readonly moments: readonly { readonly process: string; readonly at: number }[]
}

export interface Draw {
  readonly seed: number
  readonly variant: Variant
  readonly config: Config
  readonly instances: Readonly<Record<ServiceKey, number>>
  readonly items: number
  readonly users: number
  readonly orders: number
  readonly linesMost: number
  readonly quantityMost: number
  /** Units of an item at the start, per unit of demand for it. */
  readonly stockPerDemand: number
  readonly creditPerDemand: number
  readonly bus: {
    readonly delayMs: number
    readonly repeats: number
    readonly isSerial: boolean
    readonly isAtLeastOnce: boolean
    readonly sessionMs: number
  }
  readonly storage: {
    readonly latencyMs: number
    /** Chance that a step is run an extra time for nothing, as after a lost race. */
    readonly repeats: number
    /** Chance that what a dead process had sent still takes effect. */
    readonly ghosts: number
    /** Chance that a step or read is turned away for too many that wait; 0 but in crowds.ts. */
    readonly crowds: number
  }
  readonly load: {
    readonly clients: number
    readonly actions: number
    readonly thinkMs: number
    readonly weights: Weights
    /**
     * Chance that a request carries an Idempotency-Key and is repeated when its answer is missing.
     */
    readonly keyed: number
    /** Chance that such a request is sent twice at once, as an impatient proxy does. */
    readonly keyedTwice: number
    /** Chance that a checkout which got no final answer is repeated. */
    readonly repeats: number
    readonly clientTimeoutMs: number
  }
  readonly safetyMs: number
  readonly faults: readonly Fault[]
  /** A few checkouts at the end, after which nothing may be remembered for long. */
  readonly hasTail: boolean
  /** Absent where databases keep what they have acknowledged, which is everywhere but losses.ts. */
  readonly losses?: { readonly isWatched: boolean; readonly all: readonly Loss[] }
  /** Absent where the variant stays as it is, which is everywhere but rollouts.ts. */
  readonly rollout?: Rollout
}

/** Those that processes run with: one, or two where other ones are rolled out. */
export const configsOf = ({ config, rollout }: Draw): readonly Config[] =>
  rollout === undefined ? [config] : [config, rollout.config]

/** Partitions change hands, late and often. */
const churn: readonly FaultKind[] = [
  'rebalance',
  'rebalance',
  'rebalance',
  'pause',
  'crash',
  'stop',
  'storage-late',
  'storage-slow',
]

const base = readConfig({}, {})

export function processNames(instances: Draw['instances']): string[] {
  return serviceKeys.flatMap((service) =>
    Array.from({ length: instances[service] }, (_, index) => `${service}-${index}`),
  )
}

export class Dice {
  readonly #random: Random

  constructor(random: Random) {
    this.#random = random
  }

  pick<T>(...choices: readonly T[]): T {
    return choices[this.#random.integer(choices.length)]!
  }

  chance(probability: number): boolean {
    return this.#random.next() < probability
  }

  between(least: number, most: number): number {
    return least + this.#random.integer(most - least + 1)
  }
}

/** What a variant's name says. */
export const settingsOf = (variant: Variant): Pick<Config, 'protocol' | 'coordination'> => {
  const [protocol, coordination] = variant.split('/') as ['2pc' | 'saga', 'order' | 'orchestrator']
  return { protocol, coordination }
}

function drawConfig(dice: Dice, variant: Variant): Config {
  const resendFirstMs = dice.pick(30, 200)
  return {
    ...base,
    ...settingsOf(variant),
    partitions: dice.pick(1, 1, 2, 3, 4),
    checkoutDeadlineMs: dice.pick(100, 400, 1_000, 5_000),
    answerWaitMs: dice.pick(0, 50, 500, 2_000),
    resendFirstMs,
    resendMaxMs: dice.pick(200, 1_000, 2_000),
    inquireAfterMs: dice.pick(300, 1_000, 3_000),
    keptDecisions: dice.pick(0, 1, 5, 10_000, 10_000),
    sweepMs: dice.pick(50, 200, 1_000),
    audit: dice.chance(0.3),
  }
}

/** Narrow ones only where the fastest checkout is not taken for a late one. */
const withLimits = (config: Config, dice: Dice): Config => ({
  ...config,
  maxUnapplied: config.answerWaitMs < 500 ? base.maxUnapplied : dice.pick(1, 8, 64, 256),
})

function drawWeights(dice: Dice): Weights {
  const some = (most: number) => (dice.chance(0.5) ? 0 : dice.between(1, most))
  return {
    checkout: 20,
    burst: some(10),
    addItem: some(8),
    add: some(12),
    subtract: some(8),
    addFunds: some(8),
    pay: some(8),
    create: some(4),
    find: some(12),
    batchInit: dice.chance(0.2) ? dice.between(1, 4) : 0,
  }
}

/** Every seed of a variant is one history; the same seed in another variant is another. */
export function drawHistory(variant: Variant, seed: number): Draw {
  const own = seed * 4 + variants.indexOf(variant)
  const dice = new Dice(seededRandom(own))
  const config = withLimits(drawConfig(dice, variant), new Dice(seededRandom(own + 0x11a17)))
  const isChurn = dice.chance(0.2)
  const instances = {
    order: isChurn ? dice.pick(2, 3) : dice.pick(1, 1, 2, 3),
    stock: dice.pick(1, 1, 2, 3),
    payment: dice.pick(1, 1, 2, 3),
    orchestrator:
      config.coordination === 'orchestrator' ? (isChurn ? 2 : dice.pick(1, 1, 2, 3)) : 1,
  }
  const safetyMs = dice.pick(300, 1_000, 3_000)
  const clients = dice.pick(1, 2, 4, 8, 16)
  const actions = dice.pick(5, 20, 60, 60)
  const load = {
    clients,
    actions,
    // Either as fast as answers come, or spread over the whole of the safety phase.
    thinkMs: dice.pick(0, 2, (safetyMs * clients) / actions, (safetyMs * clients) / actions),
    weights: drawWeights(dice),
    keyed: dice.pick(0, 0.2, 0.8),
    keyedTwice: dice.pick(0, 0.3),
    repeats: dice.pick(0, 0.5, 1),
    clientTimeoutMs: dice.pick(300, 30_000, 30_000),
  }
  const isQuick = load.thinkMs < 3
  const few = dice.pick(0, dice.between(1, 3), dice.between(1, 3), dice.between(4, 12), 30)
  const count = isChurn ? dice.between(5, 20) : few
  const share = dice.pick(0.1, 0.3, 0.5)
  const drawn = faultKinds.filter(() => dice.chance(share))
  const kinds = isChurn ? churn : drawn
  return {
    seed,
    variant,
    config,
    instances,
    items: dice.pick(1, 2, 5, 20),
    users: dice.pick(1, 3, 10, 40),
    orders: dice.pick(1, 3, 10, 60),
    linesMost: dice.pick(1, 2, 4),
    quantityMost: dice.pick(1, 3),
    stockPerDemand: dice.pick(0.3, 0.8, 1, 1, 5),
    creditPerDemand: dice.pick(0.3, 0.8, 1, 1, 5),
    bus: {
      delayMs: dice.pick(0.5, 2, 20),
      repeats: dice.pick(0, 0, 0.05, 0.5),
      isSerial: dice.chance(0.5),
      isAtLeastOnce: dice.chance(0.7),
      sessionMs: dice.pick(100, 500, 2_000),
    },
    storage: {
      latencyMs: dice.pick(0.2, 1, 5),
      repeats: dice.pick(0, 0.1),
      ...{ ghosts: dice.pick(0, 0.5), crowds: 0 },
    },
    load,
    safetyMs,
    faults: drawFaults(
      seededRandom(own + 0x5eed),
      {
        count,
        kinds: kinds.length === 0 ? [dice.pick<FaultKind>(...faultKinds)] : kinds,
        withinMs: isQuick ? Math.min(safetyMs, dice.pick(40, 100, 300)) : safetyMs,
        longestMs: dice.pick(50, 500, 8_000),
      },
      { processes: processNames(instances), services: serviceKeys },
    ),
    // In less than that a slow bus can do no checkout, however whole it is.
    hasTail: dice.chance(isChurn ? 0.8 : 0.4) && config.checkoutDeadlineMs >= 1_000,
  }
}
