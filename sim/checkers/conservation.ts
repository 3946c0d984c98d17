/**
 * Money and units as sums, from the clients' point of view: what is there now is what was there,
 * plus what they were told they added, minus what they took, minus what paid orders cost. A request
 * whose answer is missing may count once or not at all. Each direct change is also checked by
 * itself: one effect for each request that was answered 200, at most one for each that was not
 * answered.
 */
import type { OrderRecord } from '../../order/order.ts'
import { shelfOf } from '../books.ts'
import { isRefused, isUnknown, type Operation } from '../operation.ts'
import type { Evidence, MakeChecker } from './checker.ts'

const signs: Readonly<Record<string, number>> = {
  'POST /stock/add/{item_id}/{amount}': 1,
  'POST /stock/subtract/{item_id}/{amount}': -1,
  'POST /payment/add_funds/{user_id}/{amount}': 1,
  'POST /payment/pay/{user_id}/{amount}': -1,
}

interface Claim {
  readonly key: string
  readonly amount: number
  isDone: boolean
  isPossible: boolean
}

/** Requests with the same idempotency key are one. */
function claims(operations: readonly Operation[]): Claim[] {
  const byKey = new Map<string, Claim>()
  for (const operation of operations) {
    const sign = signs[operation.route]
    if (sign === undefined) continue
    const { item_id, user_id, amount } = operation.parameters
    const key = item_id === undefined ? `user:${user_id}` : `item:${item_id}`
    const name = operation.key ?? `#${operation.id}`
    const claim = byKey.get(name) ?? {
      key,
      amount: sign * Number(amount),
      isDone: false,
      isPossible: false,
    }
    claim.isDone ||= operation.status === 200
    claim.isPossible ||= isUnknown(operation) || operation.endedAt === undefined
    if (isRefused(operation) && operation.code === 'idempotency_key_reused') claim.isPossible = true
    byKey.set(name, claim)
  }
  return [...byKey.values()]
}

export const conservation: MakeChecker = (evidence) => ({
  atEnd() {
    const made = claims(evidence.operations)
    checkDirect(evidence, made)
    if (evidence.draw.load.weights.batchInit > 0) return
    checkSum(evidence, made, 'item:')
    checkSum(evidence, made, 'user:')
  },
})

function checkDirect({ books, report }: Evidence, made: readonly Claim[]): void {
  const counts = new Map<string, { done: number; possible: number; found: number }>()
  const of = (key: string, amount: number) => {
    const name = `${key} ${amount}`
    const count = counts.get(name) ?? { done: 0, possible: 0, found: 0 }
    counts.set(name, count)
    return count
  }
  for (const { key, amount, isDone, isPossible } of made) {
    if (isDone) of(key, amount).done++
    else if (isPossible) of(key, amount).possible++
  }
  for (const { key, amount, held } of books.direct) {
    if (held !== 0) report('I3', `${key} was held without a transaction`)
    of(key, amount).found++
  }
  for (const [name, { done, possible, found }] of counts) {
    if (found < done) report('I4', `${name}: ${done} requests were answered 200, ${found} happened`)
    if (found > done + possible) {
      report('I8', `${name}: happened ${found} times, asked for ${done} + ${possible} times`)
    }
  }
}

function checkSum(evidence: Evidence, made: readonly Claim[], prefix: 'item:' | 'user:'): void {
  const { books, shop, report } = evidence
  const first = new Map<string, number>()
  for (const [key, versions] of books.shelves) {
    if (key.startsWith(prefix)) first.set(key, versions[0]?.record?.amount ?? 0)
  }
  let before = 0
  for (const amount of first.values()) before += amount
  let least = before
  let most = before
  for (const { key, amount, isDone, isPossible } of made) {
    if (!key.startsWith(prefix)) continue
    if (isDone || (isPossible && amount < 0)) least += amount
    if (isDone || (isPossible && amount > 0)) most += amount
  }
  for (const [, record] of shop.databases.order.entries('order:')) {
    const order = record as OrderRecord
    if (order.paid === undefined) continue
    const units = order.lines.reduce((sum, { quantity }) => sum + quantity, 0)
    const taken = prefix === 'user:' ? order.total : units
    least -= taken
    most -= taken
  }
  const { databases } = shop
  const database = prefix === 'item:' ? databases.stock : databases.payment
  let now = 0
  for (const [, record] of database.entries(prefix)) now += shelfOf(record)?.amount ?? 0
  if (now >= least && now <= most) return
  const [invariant, what] =
    prefix === 'item:' ? (['I2', 'units'] as const) : (['I1', 'credit'] as const)
  report(invariant, `${now} ${what} are there; there should be ${least} to ${most}`)
}
