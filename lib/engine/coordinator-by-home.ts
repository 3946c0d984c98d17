/**
 * Both coordinators as one: new checkouts are run by the one that COORDINATION names, but the end
 * of what paid an order before is known only where it was begun, which may have been the other.
 */
import type { Home } from '../../protocol/messages.ts'
import { parseTransactionId } from '../../protocol/transaction-id.ts'
import type { Coordinator } from './coordinator.ts'

export const coordinatorByHome = (
  ofNewOnes: Home,
  coordinators: Readonly<Record<Home, Coordinator>>,
): Coordinator => ({
  run(checkout) {
    const { paidBy } = checkout
    const begunAt = paidBy === undefined ? undefined : parseTransactionId(paidBy)?.home
    return coordinators[begunAt ?? ofNewOnes].run(checkout)
  },
})
