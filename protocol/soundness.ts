/**
 * Whether a message that came over the bus can be true at all. The bus is trusted: who may write to
 * it can change data. What is refused here costs nothing to see through and would do harm out of
 * proportion: records of another partition, amounts that turn a taking into a giving, ids that no
 * service gives. Pure.
 */
import type { Branch, Checkout, ServiceName } from './messages.ts'

const services: ReadonlySet<ServiceName> = new Set(['order', 'stock', 'payment'])
/** As public ids are; kept in one pattern so that no id can reach a storage key unescaped. */
const idPattern = /^[A-Za-z0-9_-]{1,64}$/
/** More than any order has lines. */
const mostEntries = 10_000

/** Which partition an id belongs to. */
export type PartitionOf = (id: string) => number

/** Whether these are amounts of records that one partition of one service holds. */
export function isSoundBranch(branch: Branch, partitionOf: PartitionOf): boolean {
  const { service, partition, entries } = branch
  if (!services.has(service) || !Array.isArray(entries)) return false
  if (entries.length === 0 || entries.length > mostEntries) return false
  if (service !== 'stock' && entries.length > 1) return false
  const ids = new Set(entries.map(({ id }) => id))
  return (
    ids.size === entries.length &&
    entries.every(
      ({ id, amount }) =>
        isSoundId(id) &&
        partitionOf(id) === partition &&
        Number.isSafeInteger(amount) &&
        amount >= 0,
    )
  )
}

/** Whether this is a checkout of one order: itself, some stock, one account; nothing twice. */
export function isSoundCheckout(
  { orderId, branches }: Checkout,
  partitionOf: PartitionOf,
): boolean {
  if (!Array.isArray(branches)) return false
  const of = (service: ServiceName) => branches.filter((branch) => branch.service === service)
  const stock = of('stock')
  return (
    of('order').length === 1 &&
    of('order')[0]?.entries[0]?.id === orderId &&
    of('payment').length === 1 &&
    stock.length > 0 &&
    new Set(stock.map(({ partition }) => partition)).size === stock.length &&
    stock.length + 2 === branches.length &&
    branches.every((branch) => isSoundBranch(branch, partitionOf))
  )
}

/** Whether an id can be one that a service gave. */
export const isSoundId = (id: string): boolean => typeof id === 'string' && idPattern.test(id)
