/**
 * Faults as data: each is a window of virtual time, drawn before the history begins, so that a
 * failing history can be told as a list and the list made shorter (shrink.ts). Whoever meets a
 * fault asks the board: the bus for lost messages, the storage for failed writes, the shop for
 * crashes.
 */
import { ShopError } from '../lib/runtime/errors.ts'
import type { Random } from '../lib/runtime/random.ts'
import type { Coverage } from './coverage.ts'
import type { World } from './world.ts'

/** Of a process: its name is the target. */
export const processFaults = [
  'crash',
  'crash-before-write',
  'crash-after-write',
  'crash-after-send',
  'stop',
  'pause',
  'cut-out',
  'cut-in',
  'cut-both',
  'wall-clock-jump',
] as const
/** Of every message on its way. */
export const busFaults = ['lose', 'repeat', 'delay', 'rebalance', 'lose-all'] as const
/** Of a service's database: its name is the target. */
export const storageFaults = [
  'storage-away',
  'storage-fails-before',
  'storage-fails-after',
  'storage-slow',
  'storage-late',
] as const
/** Of everything. */
export const shopFaults = ['power-cut'] as const

export const faultKinds = [...processFaults, ...busFaults, ...storageFaults, ...shopFaults] as const
export type FaultKind = (typeof faultKinds)[number]

export interface Fault {
  readonly kind: FaultKind
  /** A process, a service or, where everything is meant, `all`. */
  readonly target: string
  readonly at: number
  readonly forMs: number
  /** Chance that a message or write is hit, or how strong it is; in [0, 1]. */
  readonly rate: number
  /** For crashes at a step: which one from `at` on. */
  readonly nth: number
}

export interface FaultTargets {
  readonly processes: readonly string[]
  readonly services: readonly string[]
}

export interface FaultMix {
  readonly count: number
  readonly kinds: readonly FaultKind[]
  /** They begin in [0, within). */
  readonly withinMs: number
  readonly longestMs: number
}

const isIn = (kinds: readonly string[], kind: FaultKind): boolean => kinds.includes(kind)

export function drawFaults(random: Random, mix: FaultMix, targets: FaultTargets): Fault[] {
  const pick = <T>(list: readonly T[]): T => list[random.integer(list.length)]!
  const faults = Array.from({ length: mix.count }, (): Fault => {
    const kind = pick(mix.kinds)
    const target = isIn(processFaults, kind)
      ? pick(targets.processes)
      : isIn(storageFaults, kind)
        ? pick(targets.services)
        : 'all'
    const long = random.next() < 0.3
    return {
      kind,
      target,
      at: Math.floor(random.next() * mix.withinMs),
      forMs: 1 + Math.floor(random.next() * (long ? mix.longestMs : mix.longestMs / 10)),
      rate: random.next() < 0.2 ? 1 : random.next() * 0.6,
      nth: 1 + random.integer(random.next() < 0.5 ? 6 : 80),
    }
  })
  return faults.sort((a, b) => a.at - b.at)
}

export function tellFault({ kind, target, at, forMs, rate, nth }: Fault): string {
  if (kind.startsWith('crash-')) return `${kind} no. ${nth} of ${target} from ${at} ms on`
  return `${kind} of ${target} at ${at} ms for ${forMs} ms (${rate.toFixed(2)})`
}

/** Which faults are on at the moment. */
export class FaultBoard {
  readonly #active = new Map<FaultKind, Fault[]>()
  /** Chance that a database has too much to do for one more step. */
  #crowds: number

  constructor(crowds: number) {
    this.#crowds = crowds
  }

  begin(fault: Fault): void {
    const list = this.#active.get(fault.kind)
    if (list === undefined) this.#active.set(fault.kind, [fault])
    else list.push(fault)
  }

  end(fault: Fault): void {
    const list = this.#active.get(fault.kind)
    const index = list?.indexOf(fault) ?? -1
    if (index >= 0) list!.splice(index, 1)
  }

  clear(): void {
    this.#active.clear()
    this.#crowds = 0
  }

  /** Throws where too many wait already: nothing is done for this one. */
  letIn({ world, coverage }: { readonly world: World; readonly coverage: Coverage }): void {
    if (this.#crowds === 0 || world.random.next() >= this.#crowds) return
    coverage.add('storage: turned away')
    throw new ShopError('overloaded', 'Too many steps wait for the database.')
  }

  /** The strongest that hits `target`, or undefined. */
  on(kind: FaultKind, target: string): Fault | undefined {
    const list = this.#active.get(kind)
    if (list === undefined || list.length === 0) return undefined
    return list.find((fault) => fault.target === target || fault.target === 'all')
  }
}
