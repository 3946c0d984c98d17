/** The shop of a scope before anything has happened, and where its records lie. */
import { addLine, newOrder, type OrderRecord } from '../../order/order.ts'
import type { Branch, Checkout } from '../../protocol/messages.ts'
import type { Node } from './node.ts'
import type { Scope } from './scopes.ts'

const items = ['x', 'y']
const orderIds = ['a', 'b']
export const userId = 'u'
export const orderIdOf = (order: number): string => orderIds[order]!
export const partitionOfItem = (item: string): number => items.indexOf(item)

/** Order first, then stock, then payment: as in a state's list of numbers. */
export function firstNodes({ orders, stock, credit }: Scope): readonly Node[] {
  const records: Record<string, OrderRecord> = {}
  for (const [index, order] of orders.entries()) {
    let record = newOrder(userId)
    for (const item of order.items) record = addLine(record, item, 1, 1, 9) as OrderRecord
    records[orderIdOf(index)] = { ...record, version: 0 }
  }
  const stocked = items.filter((item) => orders.some((order) => order.items.includes(item)))
  const first = { partition: 0, branches: {} }
  return [
    { ...first, service: 'order', first: {}, records },
    ...stocked.map(
      (item): Node => ({
        ...first,
        service: 'stock',
        partition: partitionOfItem(item),
        first: { [item]: stock },
        records: { [item]: { price: 1, stock, held: 0, generation: 0 } },
      }),
    ),
    {
      ...first,
      service: 'payment',
      first: { [userId]: credit },
      records: { [userId]: { credit, held: 0, generation: 0 } },
    },
  ]
}

/** As order/checkout.ts makes it of an order. */
export function checkoutOf(id: string, order: OrderRecord): Checkout {
  const stock = order.lines.map(
    ({ itemId, quantity }): Branch => ({
      service: 'stock',
      partition: partitionOfItem(itemId),
      entries: [{ id: itemId, amount: quantity }],
    }),
  )
  const own: Branch = { service: 'order', partition: 0, entries: [{ id, amount: order.version }] }
  const payment: Branch = {
    service: 'payment',
    partition: 0,
    entries: [{ id: order.userId, amount: order.total }],
  }
  return { orderId: id, branches: [own, ...stock, payment] }
}
