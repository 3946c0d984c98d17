/**
 * A checkout is refused for want of units or credit only if they were really wanting at some moment
 * while it ran; what others merely held, and what 2PC took and gave back, is no reason.
 */
import type { OrderRecord } from '../../order/order.ts'
import { valuesBetween } from '../books.ts'
import type { Operation } from '../operation.ts'
import { checkoutRoute } from '../workload.ts'
import type { Evidence, MakeChecker } from './checker.ts'

export const refusals: MakeChecker = (evidence) => ({
  onAnswer(operation) {
    if (operation.route !== checkoutRoute || operation.key !== undefined) return
    if (operation.code === 'insufficient_stock') check(evidence, operation, 'stock')
    if (operation.code === 'insufficient_credit') check(evidence, operation, 'credit')
  },
})

function check(evidence: Evidence, operation: Operation, what: 'stock' | 'credit'): void {
  const { books, operations, report } = evidence
  const { order_id } = operation.parameters
  // It may have joined a checkout that began with an earlier request.
  const from = operations.find(
    ({ route, parameters }) => route === checkoutRoute && parameters.order_id === order_id,
  )!.startedAt
  const versions = valuesBetween(books.orders.get(`order:${order_id}`), from, operation.endedAt!)
  const wanted = (order: OrderRecord): [string, number][] =>
    what === 'credit'
      ? [[`user:${order.userId}`, order.total]]
      : order.lines.map(({ itemId, quantity }) => [`item:${itemId}`, quantity])
  const isShort = ([key, amount]: [string, number]) =>
    valuesBetween(books.shelves.get(key), from, operation.endedAt!).some(
      (each) => each === undefined || each.amount < amount,
    )
  const orders = versions.filter((order) => order !== undefined)
  if (orders.some((order) => wanted(order).some(isShort))) return
  report('I4', `request ${operation.id} was refused (${operation.code}), but there was enough`)
}
