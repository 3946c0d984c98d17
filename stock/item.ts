/**
 * An item, pure: units on the shelf, and how many of them are held by open transactions.
 * `stock` is what everyone sees; `stock - held` is what can still be taken or held (escrow,
 * O'Neil 1986): a hold is a counter, never a lock, so a hot item is not serialised.
 */
import type { Domain, Held } from '../protocol/participant.ts'

export interface ItemRecord {
  readonly price: number
  readonly stock: number
  readonly held: number
  readonly generation: number
}

export const newItem = (price: number): ItemRecord => ({ price, stock: 0, held: 0, generation: 0 })

export const itemDomain: Domain<ItemRecord> = {
  hold(item, units): Held<ItemRecord> {
    if (item === undefined) return { kind: 'refused', reason: 'unknown_item' }
    if (item.stock < units) return { kind: 'refused', reason: 'insufficient_stock' }
    if (item.stock - item.held < units) return { kind: 'busy', reason: 'insufficient_stock' }
    return { kind: 'held', record: { ...item, held: item.held + units } }
  },
  take: (item, units) => ({ ...item, stock: item.stock - units, held: item.held - units }),
  release: (item, units) => ({ ...item, held: item.held - units }),
  restore: (item, units) => ({ ...item, stock: item.stock + units }),
  generation: (item) => item.generation,
}

/** Puts units on the shelf; undefined where the sum would not be exact any more. */
export function addUnits(item: ItemRecord, units: number): ItemRecord | undefined {
  const stock = item.stock + units
  return Number.isSafeInteger(stock) ? { ...item, stock } : undefined
}
