/**
 * Exactly once, per transaction: what was decided to commit has taken exactly its branches'
 * amounts, what was not has taken nothing, nobody holds anything, and an order is paid by exactly
 * the transaction that was decided for it, for exactly its lines and its total. Sums can cancel
 * out; this cannot. A record that a batch_init replaced meanwhile is let off.
 */
import type { OrderRecord } from '../../order/order.ts'
import type { Decision } from '../books.ts'
import type { Evidence, MakeChecker } from './checker.ts'

const keyOf = (service: string, id: string) => `${service === 'stock' ? 'item' : 'user'}:${id}`

export const ledger: MakeChecker = (evidence) => ({
  atEnd() {
    const { books } = evidence
    for (const transaction of books.ledger.keys()) {
      if (!books.decisions.has(transaction)) checkNothing(evidence, transaction)
    }
    for (const decision of books.decisions.values()) {
      if (decision.state.decided === 'committed') checkTaken(evidence, decision)
      else checkNothing(evidence, decision.transaction)
    }
    checkOrders(evidence)
  },
})

function checkTaken(
  { books, report }: Evidence,
  { transaction, state, startedAt }: Decision,
): void {
  const wanted = new Map<string, number>()
  for (const { service, entries } of state.branches) {
    if (service === 'order') continue
    for (const { id, amount } of entries) wanted.set(keyOf(service, id), amount)
  }
  const postings = books.postings(transaction)
  for (const key of new Set([...wanted.keys(), ...postings.keys()])) {
    if ((books.replacedAt.get(key) ?? -1) >= startedAt) continue
    const posting = postings.get(key) ?? { amount: 0, held: 0 }
    const amount = wanted.get(key) ?? 0
    if (posting.amount + amount !== 0) {
      report('I3', `${transaction} committed: ${key} changed by ${posting.amount}, not ${-amount}`)
    }
    if (posting.held !== 0) report('I6', `${transaction} committed and holds ${key} still`)
  }
}

function checkNothing({ books, report }: Evidence, transaction: string): void {
  const startedAt = books.decisions.get(transaction)?.startedAt ?? 0
  for (const [key, { amount, held }] of books.postings(transaction)) {
    if ((books.replacedAt.get(key) ?? -1) > startedAt) continue
    if (amount !== 0) report('I3', `${transaction} did not commit and changed ${key} by ${amount}`)
    if (held !== 0) report('I6', `${transaction} did not commit and holds ${held} of ${key}`)
  }
}

function checkOrders({ books, shop, report }: Evidence): void {
  const paidBy = new Map<string, string>()
  for (const [key, record] of shop.databases.order.entries('order:')) {
    const order = record as OrderRecord
    if (order.paid === undefined || order.paid === 'nothing') continue
    const decision = books.decisions.get(order.paid)
    if (decision?.state.decided !== 'committed') {
      report('I3', `${key} is paid by ${order.paid}, which did not commit`)
      continue
    }
    if (paidBy.has(order.paid)) report('I3', `${order.paid} paid ${key} and another order`)
    paidBy.set(order.paid, key)
    checkLines({ report }, key, order, decision)
  }
  for (const { transaction, state, startedAt } of books.decisions.values()) {
    const key = `order:${state.orderId}`
    if (state.decided !== 'committed' || paidBy.has(transaction)) continue
    if ((books.replacedAt.get(key) ?? -1) >= startedAt) continue
    report('I3', `${transaction} committed and ${key} is not paid by it`)
  }
}

/** The amounts that were taken are those of the order as it stands. */
function checkLines(
  { report }: Pick<Evidence, 'report'>,
  key: string,
  order: OrderRecord,
  { transaction, state }: Decision,
): void {
  const lines = order.lines.map(({ itemId, quantity }) => `${itemId}x${quantity}`).sort()
  const taken = state.branches
    .filter(({ service }) => service === 'stock')
    .flatMap(({ entries }) => entries.map(({ id, amount }) => `${id}x${amount}`))
    .sort()
  if (lines.join() !== taken.join()) {
    report('I3', `${key} has lines ${lines.join()}, but ${transaction} took ${taken.join()}`)
  }
  const charged = state.branches.find(({ service }) => service === 'payment')?.entries[0]
  if (charged?.id !== order.userId || charged.amount !== order.total) {
    report('I3', `${key} costs ${order.total}, but ${transaction} took ${charged?.amount}`)
  }
}
