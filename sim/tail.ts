/**
 * The quiet tail: when the faults are over and everything has ended, fresh checkouts must all be
 * paid at once, and their marks let participants forget what was before.
 */
import { partitionOf } from '../lib/runtime/partition.ts'
import { addLine, newOrder } from '../order/order.ts'
import { newAccount } from '../payment/account.ts'
import { newItem } from '../stock/item.ts'
import { checkBounded, decisionCounts, staleBranches } from './checkers/bounded.ts'
import type { Evidence } from './checkers/checker.ts'
import type { Clients } from './clients.ts'
import { checkoutRoute } from './workload.ts'

/** Checkouts of each coordinator partition, at least; enough for its log to drop what piled up. */
const checkoutsLeast = 6
const answerWithinMs = 3_000
/** How often a participant looks for branches that it does not know, and a little. */
const learnAgainMs = 61_000
/** Until an owner that was overtaken while it had nothing to write has noticed. */
const settleMs = 1_200

/** An id of this kind that lives in this partition. */
function idIn(kind: string, partition: number, partitions: number, number: number): string {
  for (let index = 0; ; index++) {
    const id = `tail-${kind}-${number}-${index}`
    if (partitionOf(id, partitions) === partition) return id
  }
}

/** For each coordinator partition, an order with an item in each stock partition. */
function place(evidence: Evidence, round: number): string[] {
  const { databases, draw } = evidence.shop
  const { partitions } = draw.config
  const places = Array.from({ length: partitions }, (_, partition) => partition)
  return places.flatMap((partition) =>
    places.map((payer) => {
      const number = (round * partitions + partition) * partitions + payer
      const userId = idIn('user', payer, partitions, number)
      databases.payment.place(payer, `user:${userId}`, { ...newAccount(), credit: partitions })
      let order = newOrder(userId)
      for (const where of places) {
        const itemId = idIn('item', where, partitions, number)
        databases.stock.place(where, `item:${itemId}`, { ...newItem(1), stock: 1 })
        const added = addLine(order, itemId, 1, 1, partitions)
        if (typeof added !== 'string') order = added
      }
      const id = idIn('order', partition, partitions, number)
      databases.order.place(partition, `order:${id}`, order)
      return id
    }),
  )
}

async function checkOut(evidence: Evidence, clients: Clients, round: number): Promise<void> {
  const { world } = evidence.shop
  for (const order_id of place(evidence, round)) {
    const request = {
      service: 'order',
      route: checkoutRoute,
      parameters: { order_id },
      timeoutMs: 2 * answerWithinMs,
    } as const
    clients.send(request, ({ id, status, code }) => {
      if (status === 200) return
      evidence.report('I5', `after the faults, request ${id} was answered ${status} ${code}`)
    })
  }
  const giveUpAt = world.now + answerWithinMs
  await world.run(() => clients.waiting === 0 || world.now > giveUpAt)
  if (clients.waiting > 0) {
    evidence.report('I5', `after the faults, ${clients.waiting} checkouts were not answered`)
  }
  await world.runFor(300)
}

export async function runTail(evidence: Evidence, clients: Clients): Promise<void> {
  const { world } = evidence.shop
  const { sweepMs } = evidence.draw.config
  await world.runFor(settleMs)
  const from = world.now
  const before = decisionCounts(evidence)
  const rounds = Math.max(3, checkoutsLeast / evidence.draw.config.partitions)
  for (let round = 0; round < rounds; round++) await checkOut(evidence, clients, round)
  await world.runFor(sweepMs * 2 + 300)
  if (staleBranches(evidence, from).length > 0) {
    // What another instance left is learnt of once in a while, and goes with the next mark.
    await world.runFor(learnAgainMs + sweepMs * 2)
    for (let round = rounds; round < 2 * rounds; round++) await checkOut(evidence, clients, round)
    await world.runFor(sweepMs * 2 + 300)
  }
  checkBounded(evidence, from, before)
}
