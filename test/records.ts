/**
 * What a shop keeps, as the checker reads it: records in pages, and what is still open. The types
 * are those of the services themselves, so that the two cannot differ. Adapters: http-records.ts,
 * and the planted shops of checker.test.ts.
 */
import type { OrderRecord } from '../order/order.ts'
import type { AccountRecord } from '../payment/account.ts'
import type { BranchRecord } from '../protocol/participant.ts'
import type { State } from '../protocol/protocol.ts'
import type { ItemRecord } from '../stock/item.ts'

/** A branch of a transaction as a participant remembers it. */
export type StoredBranch = BranchRecord & { readonly transaction: string }

export interface RecordsByKind {
  readonly orders: OrderRecord
  readonly items: ItemRecord
  readonly users: AccountRecord
  readonly orderBranches: StoredBranch
  readonly stockBranches: StoredBranch
  readonly paymentBranches: StoredBranch
}

export type Kind = keyof RecordsByKind
export type Page<K extends Kind> = readonly (readonly [string, RecordsByKind[K]])[]

/** Counts of things that must never happen, by their name. */
export type Alarms = Readonly<Record<string, number>>

export interface ShopRecords {
  pages<K extends Kind>(kind: K): AsyncIterable<Page<K>>
  /** Transactions that have not ended, of every coordinator partition that somebody owns now. */
  open(): Promise<readonly State[]>
  /** Whether somebody owns each: of what is open in one that nobody does, nobody tells. */
  isOwned(): Promise<boolean>
  alarms(): Promise<Alarms>
  close(): Promise<void>
}

/** All of them at once: for small shops. */
export async function everyRecord<K extends Kind>(
  records: ShopRecords,
  kind: K,
): Promise<Map<string, RecordsByKind[K]>> {
  const all = new Map<string, RecordsByKind[K]>()
  for await (const page of records.pages(kind)) for (const [id, each] of page) all.set(id, each)
  return all
}
