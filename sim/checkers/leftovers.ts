/**
 * Termination and nothing left: when the faults have stopped, every transaction ends within a
 * bound, without clients; then no hold, no frozen order, no open log record and no undecided branch
 * is left.
 */
import type { OrderRecord } from '../../order/order.ts'
import type { BranchRecord } from '../../protocol/participant.ts'
import type { State } from '../../protocol/protocol.ts'
import { shelfOf } from '../books.ts'
import type { Change, Write } from '../change.ts'
import { configsOf, type Draw } from '../draw.ts'
import type { Checker, Evidence } from './checker.ts'

/** The longest pauses of a partition's reopening, of two resends, and some work. */
const endsWithinMs = (draw: Draw): number =>
  Math.max(
    ...configsOf(draw).map(
      ({ resendMaxMs, checkoutDeadlineMs, inquireAfterMs }) =>
        2 * 1.25 * resendMaxMs + checkoutDeadlineMs + inquireAfterMs + 4_000,
    ),
  )

export interface Leftovers extends Checker {
  /** Nothing is open at this moment. */
  readonly isQuiet: boolean
  /** What is, for people. */
  tell(): string
}

export function leftovers(evidence: Evidence): Leftovers {
  const open = new Map<string, string>()
  const note = (place: string, { key, after }: Write) => {
    const name = `${place} ${key}`
    const what = after === undefined ? undefined : leftover(key, after)
    if (what === undefined) open.delete(name)
    else open.set(name, what)
  }
  const tell = () => [...open].map(([name, what]) => `${name} ${what}`).join('; ')
  return {
    get isQuiet() {
      return open.size === 0
    },
    tell,
    onChange({ service, partition, writes }: Change) {
      for (const write of writes) note(`${service}/${partition}`, write)
    },
    atEnd() {
      const tookMs = evidence.books.drainMs(evidence.healedAt)
      if (tookMs > endsWithinMs(evidence.draw)) {
        evidence.report('I5', `a transaction took ${tookMs.toFixed(0)} ms without any fault`)
      }
      if (open.size === 0) return
      const logs = [...open.keys()].some((name) => name.includes(' log:'))
      evidence.report(logs ? 'I5' : 'I6', `left when all should have ended: ${tell()}`)
    },
  }
}

function leftover(key: string, record: object | string | number | boolean): string | undefined {
  if (key.startsWith('item:') || key.startsWith('user:')) {
    const held = shelfOf(record)?.held ?? 0
    return held === 0 ? undefined : `holds ${held}`
  }
  if (key.startsWith('order:')) {
    const { checkout } = record as OrderRecord
    return checkout === undefined ? undefined : `is in checkout by ${checkout}`
  }
  if (key.startsWith('log:')) {
    const { phase, transaction } = record as State
    return phase === 'ended' ? undefined : `${transaction} is ${phase}`
  }
  if (key.startsWith('branch:')) {
    const { state, parked } = record as BranchRecord
    if (parked !== undefined) return `is parked (${parked.join()})`
    return state === 'prepared' ? 'is prepared' : undefined
  }
  return undefined
}
