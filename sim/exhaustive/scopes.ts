/**
 * The small shops that are walked through completely: who orders what, and how often each thing may
 * go wrong. Small scopes show nearly every bug that large ones show (Jackson 2006); these are as
 * large as a push can wait for.
 */
import type { Home, ProtocolName } from '../../protocol/messages.ts'
import type { Variant } from '../draw.ts'

/** How often each event that nobody wants may happen, in one walk. */
export interface Budget {
  readonly crashes: number
  readonly losses: number
  readonly duplicates: number
  readonly deadlines: number
  /** Units added to the first order while it is, or is not, in checkout. */
  readonly additions: number
  /** A bulk load replaces the first item. */
  readonly replacements: number
}

export interface ScopeOrder {
  /** Letters of items: x lies in stock partition 0, y in 1. */
  readonly items: string
  /** Checkouts that its client asks for, each when it likes. */
  readonly asks: number
  /** Its transactions run under this protocol whatever the shop is set to. */
  readonly protocol?: ProtocolName
}

export interface Scope {
  readonly name: string
  readonly orders: readonly ScopeOrder[]
  /** Units of each item at the start. */
  readonly stock: number
  /** Credit of the one user; each item costs 1. */
  readonly credit: number
  readonly budget: Budget
  readonly variants: readonly Variant[]
}

export interface Setting {
  readonly protocol: ProtocolName
  readonly home: Home
}

export const settingOf = (variant: Variant): Setting => {
  const [protocol, home] = variant.split('/') as [ProtocolName, Home]
  return { protocol, home }
}

const none: Budget = {
  crashes: 0,
  losses: 0,
  duplicates: 0,
  deadlines: 1,
  additions: 0,
  replacements: 0,
}
const crash = { ...none, crashes: 1 }
const loss = { ...none, losses: 1 }
const duplicate = { ...none, duplicates: 1 }
const one = { ...none, crashes: 1, losses: 1, duplicates: 1 }
const all: readonly Variant[] = ['2pc/order', '2pc/orchestrator', 'saga/order', 'saga/orchestrator']

const plenty = { stock: 2, credit: 4, variants: all } as const
const two = { orders: [{ items: 'xy', asks: 1 }], ...plenty } as const
const single = { orders: [{ items: 'x', asks: 1 }], ...plenty } as const
const short = { orders: [{ items: 'xy', asks: 1 }], stock: 1, credit: 1, variants: all } as const
const rivals = {
  orders: [
    { items: 'x', asks: 1 },
    { items: 'x', asks: 1 },
  ],
  stock: 1,
  credit: 2,
  variants: all,
} as const

const again = { ...single, orders: [{ items: 'x', asks: 2 }] } as const
const addition = { ...none, additions: 1 }
const replacement = { ...none, replacements: 1 }

/** All branches are asked at once there: these would have more states than fit. */
const small = all.filter((variant) => variant !== '2pc/orchestrator')

/** Walked by `npm run test:exhaustive`, the smallest first. */
export const scopes: readonly Scope[] = [
  { name: 'one item, asked for twice', ...again, budget: none },
  { name: 'one item; a crash', ...single, budget: crash },
  { name: 'one item; a loss', ...single, budget: loss },
  { name: 'one item; a duplicate', ...single, budget: duplicate },
  { name: 'one item; a line is added', ...single, budget: addition },
  { name: 'one item; a bulk load replaces it', ...single, budget: replacement },
  { name: 'two items; a loss', ...two, budget: loss },
  { name: 'one item, asked for twice; a line', ...again, budget: addition, variants: small },
  { name: 'the last unit, two orders', ...rivals, budget: none, variants: small },
  { name: 'two items; a duplicate', ...two, budget: duplicate, variants: small },
  { name: 'two items; a crash', ...two, budget: crash, variants: small },
  { name: 'short credit; a duplicate', ...short, budget: duplicate, variants: small },
  { name: 'short credit; a crash', ...short, budget: crash, variants: small },
  { name: 'one item; a crash, a loss, a duplicate', ...single, budget: one, variants: small },
]
