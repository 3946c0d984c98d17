/**
 * What really happened, read off the databases' writes and off nothing else: every version of every
 * record, what each transaction took and held, and what was decided. The checkers compare it with
 * what clients were told. It knows the shape of the stored records, not the code that makes them.
 */
import type { OrderRecord } from '../order/order.ts'
import type { BranchRecord } from '../protocol/participant.ts'
import type { State } from '../protocol/protocol.ts'
import type { Change, Write } from './change.ts'
import type { Coverage } from './coverage.ts'

/** An item or an account, seen the same way. */
export interface Shelf {
  /** Units or credit, what `find` shows. */
  readonly amount: number
  readonly held: number
  readonly generation: number
}

export interface Version<R> {
  readonly at: number
  readonly record: R | undefined
}

/** What one transaction has done to one record. */
export interface Posting {
  amount: number
  held: number
}

export interface Decision {
  readonly transaction: string
  state: State
  readonly startedAt: number
  decidedAt: number | undefined
  endedAt: number | undefined
}

export interface DirectChange {
  readonly at: number
  readonly key: string
  readonly amount: number
  readonly held: number
}

type ItemOrAccount = { stock?: number; credit?: number; held: number; generation: number }

const isShelf = (key: string) => key.startsWith('item:') || key.startsWith('user:')

export function shelfOf(record: unknown): Shelf | undefined {
  if (record === undefined) return undefined
  const { stock, credit, held, generation } = record as ItemOrAccount
  return { amount: stock ?? credit ?? 0, held, generation }
}

export class Books {
  /** By transaction, then by record key. */
  readonly ledger = new Map<string, Map<string, Posting>>()
  readonly decisions = new Map<string, Decision>()
  readonly direct: DirectChange[] = []
  readonly shelves = new Map<string, Version<Shelf>[]>()
  readonly orders = new Map<string, Version<OrderRecord>[]>()
  /** When a record was last replaced by a bulk load. */
  readonly replacedAt = new Map<string, number>()
  /** When each paid order was first seen paid. */
  readonly paidAt = new Map<string, number>()
  readonly #coverage: Coverage

  constructor(coverage: Coverage) {
    this.#coverage = coverage
  }

  note(change: Change): void {
    const transaction = this.#noteBranch(change)
    for (const write of change.writes) {
      if (isShelf(write.key)) this.#noteShelf(change, write, transaction)
      else if (write.key.startsWith('order:')) this.#noteOrder(change, write)
      else if (write.key.startsWith('log:')) this.#noteLog(change, write)
    }
  }

  /** The newest decision to commit a checkout of this order. */
  lastCommitOf(orderId: string): Decision | undefined {
    let last: Decision | undefined
    for (const decision of this.decisions.values()) {
      const { orderId: own, decided } = decision.state
      if (own === orderId && decided === 'committed') last = decision
    }
    return last
  }

  /** How long a transaction was open after `healedAt`, at most. */
  drainMs(healedAt: number): number {
    let most = 0
    for (const { startedAt, endedAt } of this.decisions.values()) {
      if (endedAt !== undefined) most = Math.max(most, endedAt - Math.max(startedAt, healedAt))
    }
    return most
  }

  postings(transaction: string): ReadonlyMap<string, Posting> {
    return this.ledger.get(transaction) ?? noPostings
  }

  #noteBranch({ service, writes }: Change): string | undefined {
    let transaction: string | undefined
    for (const { key, before, after } of writes) {
      if (!key.startsWith('branch:') || after === undefined) continue
      const from = (before as BranchRecord | undefined)?.state ?? 'none'
      const to = after as BranchRecord & { transaction: string }
      this.#coverage.add(`${service} branch: ${from} -> ${to.state}`)
      if (from !== to.state) transaction = to.transaction
    }
    return transaction
  }

  #noteShelf(change: Change, { key, before, after }: Write, transaction: string | undefined): void {
    const old = shelfOf(before)
    const now = shelfOf(after)
    entry(this.shelves, key, () => []).push({ at: change.at, record: now })
    if (change.isLoad) this.replacedAt.set(key, change.at)
    if (change.isLoad || old === undefined || now === undefined) return
    const amount = now.amount - old.amount
    const held = now.held - old.held
    if (amount === 0 && held === 0) return
    if (transaction === undefined) {
      this.direct.push({ at: change.at, key, amount, held })
      return
    }
    const postings = entry(this.ledger, transaction, () => new Map<string, Posting>())
    const posting = entry(postings, key, () => ({ amount: 0, held: 0 }))
    posting.amount += amount
    posting.held += held
  }

  #noteOrder(change: Change, { key, after, before }: Write): void {
    const order = after as OrderRecord | undefined
    entry(this.orders, key, () => []).push({ at: change.at, record: order })
    if (change.isLoad) {
      this.replacedAt.set(key, change.at)
      this.paidAt.delete(key)
    } else if (order?.paid !== undefined && (before as OrderRecord)?.paid === undefined) {
      this.paidAt.set(key, change.at)
    }
  }

  #noteLog({ at }: Change, { before, after }: Write): void {
    if (after === undefined) return
    const state = after as State
    const from = (before as State | undefined)?.phase ?? 'none'
    this.#coverage.add(`${state.protocol} log: ${from} -> ${state.phase}`)
    const known = this.decisions.get(state.transaction)
    const decidedAt = state.decided === undefined ? undefined : at
    const endedAt = state.phase === 'ended' ? at : undefined
    if (known === undefined) {
      const { transaction } = state
      this.decisions.set(transaction, { transaction, state, startedAt: at, decidedAt, endedAt })
    } else {
      known.state = state
      known.decidedAt ??= decidedAt
      known.endedAt ??= endedAt
    }
  }
}

const noPostings: ReadonlyMap<string, Posting> = new Map()

export function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const found = map.get(key)
  if (found !== undefined) return found
  const made = make()
  map.set(key, made)
  return made
}

/** Every value that a record had at some moment of [from, to]. */
export function valuesBetween<R>(
  versions: readonly Version<R>[] | undefined,
  from: number,
  to: number,
): (R | undefined)[] {
  const values: (R | undefined)[] = []
  if (versions === undefined) return [undefined]
  for (let index = versions.length - 1; index >= 0; index--) {
    const version = versions[index]!
    if (version.at > to) continue
    values.push(version.record)
    if (version.at < from) return values
  }
  values.push(undefined)
  return values
}
