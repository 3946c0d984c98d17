/**
 * An answer is a promise. A checkout that was answered 200 is paid at that moment and for ever,
 * with its debit and its decrements (unless the answer had waited long enough for a silent
 * participant). One that was answered 4xx, or turned away, never happens: a paid order has a
 * request that was neither.
 */

import { partitionOf } from '../../lib/runtime/partition.ts'
import type { OrderRecord } from '../../order/order.ts'
import { configsOf } from '../draw.ts'
import { isRefused, isTurnedAway, type Operation } from '../operation.ts'
import { checkoutRoute } from '../workload.ts'
import type { Evidence, MakeChecker } from './checker.ts'

export const answers: MakeChecker = (evidence) => {
  const { shop, report, books } = evidence
  const { partitions } = shop.draw.config
  const orderAt = (id: string) =>
    shop.databases.order.get(partitionOf(id, partitions), `order:${id}`) as OrderRecord | undefined

  const onPaid = ({ id, parameters, startedAt }: Operation) => {
    const order_id = String(parameters.order_id)
    const order = orderAt(order_id)
    // A batch_init while it was under way: the answer is about the order that was replaced.
    if ((books.replacedAt.get(`order:${order_id}`) ?? -1) > startedAt) return
    if (order?.paid === undefined) {
      if (isExcused(evidence, books.lastCommitOf(order_id)?.decidedAt)) return
      report('I4', `request ${id} was answered 200, but order ${order_id} is not paid`)
    } else if (order.paid !== 'nothing') {
      checkApplied(evidence, id, order.paid)
    }
  }

  return {
    onAnswer(operation) {
      const { route, status, code, id } = operation
      if (status >= 500 && status !== 503)
        report('I4', `request ${id} was answered ${status} ${code}`)
      if (route !== checkoutRoute) return
      if (status === 200) onPaid(operation)
      const key = `order:${operation.parameters.order_id}`
      const paidAt = books.paidAt.get(key)
      if (isRefused(operation) && paidAt !== undefined && paidAt < operation.startedAt) {
        report('I4', `request ${id} was refused (${code}), but ${key} had been paid before it`)
      }
    },
    atEnd() {
      checkRefusals(evidence)
      checkPromises(evidence, orderAt)
    },
  }
}

/** An answer need not wait longer than this for a participant that does not answer. */
function isExcused({ draw, shop }: Evidence, decidedAt: number | undefined): boolean {
  if (decidedAt === undefined) return false
  const waitMs = Math.min(...configsOf(draw).map(({ answerWaitMs }) => answerWaitMs))
  return shop.world.now - decidedAt >= waitMs
}

function checkApplied(evidence: Evidence, request: number, transaction: string): void {
  const { books, report } = evidence
  const decision = books.decisions.get(transaction)
  if (decision === undefined || isExcused(evidence, decision.decidedAt)) return
  const postings = books.postings(transaction)
  for (const { service, entries } of decision.state.branches) {
    if (service === 'order') continue
    for (const { id, amount } of entries) {
      const key = `${service === 'stock' ? 'item' : 'user'}:${id}`
      if ((books.replacedAt.get(key) ?? -1) >= decision.startedAt) continue
      if ((postings.get(key)?.amount ?? 0) + amount === 0) continue
      report('I7', `request ${request} was answered 200 before ${key} showed it (${transaction})`)
    }
  }
}

/** What is paid must have been asked for by a request that was not told no. */
function checkRefusals({ books, operations, report }: Evidence): void {
  const byOrder = Map.groupBy(
    operations.filter(({ route }) => route === checkoutRoute),
    ({ parameters }) => `order:${parameters.order_id}`,
  )
  for (const [key, paidAt] of books.paidAt) {
    const asked = byOrder.get(key)?.filter(({ startedAt }) => startedAt <= paidAt) ?? []
    if (asked.some((each) => !isRefused(each) && !isTurnedAway(each))) continue
    const ids = asked.map(({ id, code }) => `${id} ${code}`).join(', ')
    report('I4', `${key} was paid, but every request for it had been refused: ${ids}`)
  }
}

function checkPromises(
  { books, operations, report }: Evidence,
  orderAt: (id: string) => OrderRecord | undefined,
): void {
  for (const { route, status, parameters, endedAt, id } of operations) {
    if (route !== checkoutRoute || status !== 200) continue
    const order_id = String(parameters.order_id)
    if ((books.replacedAt.get(`order:${order_id}`) ?? -1) > 0) continue
    if (orderAt(order_id)?.paid !== undefined) continue
    report('I4', `request ${id} was answered 200 at ${endedAt}, but order ${order_id} is not paid`)
  }
}
