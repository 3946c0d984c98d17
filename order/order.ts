/**
 * An order, pure: its lines, its total, and the one transaction that may have it in checkout.
 *
 * `version` rises with every change of the lines and with every checkout that ended without paying.
 * A checkout names the version that it was made from, so a late or repeated request for an older
 * one is refused: that is why the order needs no write before the coordinator starts.
 */
import type { Domain, Held } from '../protocol/participant.ts'

export interface Line {
  readonly itemId: string
  readonly quantity: number
  /** Price of one unit when the item was first added. */
  readonly price: number
}

export interface OrderRecord {
  readonly userId: string
  readonly lines: readonly Line[]
  readonly total: number
  readonly version: number
  readonly generation: number
  /** The transaction that has it in checkout. */
  readonly checkout?: string
  /** The transaction that paid it; `nothing` for an order without lines. */
  readonly paid?: string
}

/** What marks an order without lines as paid. */
export const paidForNothing = 'nothing'

export const newOrder = (userId: string): OrderRecord => ({
  userId,
  lines: [],
  total: 0,
  version: 0,
  generation: 0,
})

/**
 * The version that an order made by batch_init begins with: beyond all that the order it replaces
 * could reach, so that a checkout which read the old order is refused by the new one.
 */
export const firstVersionOf = (generation: number): number => generation * 2 ** 32

export type AddRefusal = 'order_paid' | 'in_checkout' | 'overflow' | 'too_many_lines'

/** Adds units of an item; the same item twice adds up. Sums stay exact or are refused. */
export function addLine(
  order: OrderRecord,
  itemId: string,
  quantity: number,
  price: number,
  maxLines: number,
): OrderRecord | AddRefusal {
  if (order.paid !== undefined) return 'order_paid'
  if (order.checkout !== undefined) return 'in_checkout'
  const index = order.lines.findIndex((line) => line.itemId === itemId)
  const present = order.lines[index]
  const line: Line = {
    itemId,
    quantity: (present?.quantity ?? 0) + quantity,
    price: present?.price ?? price,
  }
  const total = order.total + line.price * quantity
  if (!Number.isSafeInteger(line.quantity) || !Number.isSafeInteger(total)) return 'overflow'
  if (present === undefined && order.lines.length >= maxLines) return 'too_many_lines'
  const lines = present === undefined ? [...order.lines, line] : order.lines.with(index, line)
  return { ...order, lines, total, version: order.version + 1 }
}

/** The order as a participant of its own checkout; the amount of its entry is the version. */
export const orderDomain: Domain<OrderRecord> = {
  hold(order, version, transaction): Held<OrderRecord> {
    if (order === undefined) return { kind: 'refused', reason: 'unknown_order' }
    if (order.paid !== undefined) return { kind: 'refused', reason: 'already_paid' }
    if (order.checkout !== undefined) return { kind: 'refused', reason: 'in_checkout' }
    if (order.version !== version) return { kind: 'refused', reason: 'order_changed' }
    return { kind: 'held', record: { ...order, checkout: transaction } }
  },
  take({ checkout: _, ...order }, _version, transaction) {
    return { ...order, paid: transaction }
  },
  release({ checkout: _, ...order }) {
    return { ...order, version: order.version + 1 }
  },
  restore: (order) => order,
  generation: (order) => order.generation,
  isHeldBy: (order, transaction) => order.checkout === transaction,
}
