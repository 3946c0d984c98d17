/**
 * The full check of a shop that has come to rest: I1 money, I2 stock, I3 exactly once by
 * transaction id, I4 answers are promises, I6 nothing is left behind (docs/PROOF.md). It
 * reads every record once, a few seconds for 100,000 orders, and returns each difference as a
 * sentence.
 *
 * It needs a shop with AUDIT=true, which keeps every branch for ever: the ledger of what each
 * transaction took is made of them. That it can fail is shown by checker.test.ts.
 */
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../lib/runtime/clock.ts'
import type { OrderRecord } from '../order/order.ts'
import { paidForNothing } from '../order/order.ts'
import { type CheckoutAnswer, checkAnswers } from './checker-answers.ts'
import { type Ledger, readLedger } from './checker-ledger.ts'
import type { ShopRecords } from './records.ts'

/** What a record may show by rights; two numbers where some requests were never answered. */
export type Amount = number | { readonly least: number; readonly most: number }

export interface Expected {
  /**
   * Units that an item had, with what was added and subtracted directly; undefined if not known.
   */
  stock?(itemId: string): Amount | undefined
  /** The same for the credit of a user. */
  credit?(userId: string): Amount | undefined
  /** What the clients were told. */
  readonly answers?: readonly CheckoutAnswer[]
}

type Report = (difference: string) => void

/**
 * Every difference between what the shop keeps and what must hold; an empty list if there is none.
 */
export async function checkShop(records: ShopRecords, expected: Expected = {}): Promise<string[]> {
  const differences: string[] = []
  const report: Report = (difference) => differences.push(difference)
  await checkNothingOpen(records, report)
  const ledger = await readLedger(records, report)
  const orders = await checkOrders(records, ledger, report)
  checkUnclaimed(ledger, report)
  await checkItems(records, ledger, expected, report)
  await checkUsers(records, ledger, expected, report)
  checkAnswers(orders, expected.answers ?? [], report)
  return differences
}

/**
 * Waits until nothing is open or held any more, for `withinMs` at most; what was left then will
 * show as differences. No client does anything meanwhile: the shop must get there by itself.
 */
export async function settled(records: ShopRecords, withinMs: number): Promise<void> {
  const giveUpAt = systemClock.now() + withinMs
  const pollMs = 25
  while (systemClock.now() < giveUpAt && !(await isAtRest(records))) await setTimeout(pollMs)
}

async function isAtRest(records: ShopRecords): Promise<boolean> {
  if (!(await records.isOwned()) || (await records.open()).length > 0) return false
  for (const kind of ['items', 'users'] as const) {
    for await (const page of records.pages(kind)) {
      if (page.some(([, { held }]) => held !== 0)) return false
    }
  }
  return true
}

async function checkNothingOpen(records: ShopRecords, report: Report): Promise<void> {
  for (const { transaction, orderId, phase } of await records.open()) {
    report(`transaction ${transaction} of order ${orderId} is still open, ${phase}`)
  }
  for (const [name, count] of Object.entries(await records.alarms())) {
    if (count !== 0) report(`${name} counts ${count}, not 0`)
  }
}

/** I3: a paid order has exactly its debit and its units, by its transaction. */
async function checkOrders(
  records: ShopRecords,
  ledger: Ledger,
  report: Report,
): Promise<Map<string, boolean>> {
  const isPaid = new Map<string, boolean>()
  const payer = new Map<string, string>()
  for await (const page of records.pages('orders')) {
    for (const [id, order] of page) {
      isPaid.set(id, order.paid !== undefined)
      if (order.checkout !== undefined) report(`order ${id} is held by ${order.checkout}`)
      checkTotal(id, order, report)
      const { paid } = order
      if (paid === undefined) continue
      if (paid === paidForNothing) {
        if (order.lines.length > 0) report(`order ${id} has lines and is paid for nothing`)
        continue
      }
      const other = payer.get(paid)
      if (other !== undefined) report(`orders ${other} and ${id} are both paid by ${paid}`)
      payer.set(paid, id)
      checkPaid(id, order, paid, ledger, report)
    }
  }
  for (const [transaction, orderId] of ledger.settledOrders) {
    if (payer.get(transaction) !== orderId) {
      report(`transaction ${transaction} says that it paid order ${orderId}, which says it did not`)
    }
  }
  return isPaid
}

function checkTotal(id: string, { lines, total }: OrderRecord, report: Report): void {
  const sum = lines.reduce((sum, line) => sum + line.price * line.quantity, 0)
  if (sum !== total) report(`order ${id} has lines worth ${sum} and a total of ${total}`)
}

function checkPaid(
  id: string,
  order: OrderRecord,
  transaction: string,
  ledger: Ledger,
  report: Report,
): void {
  const by = `order ${id}, paid by ${transaction},`
  const took = ledger.taken.get(transaction)
  ledger.taken.delete(transaction)
  const debits = took?.debits ?? []
  if (debits.length !== 1) report(`${by} has ${debits.length} debits`)
  for (const { userId, amount } of debits) {
    if (userId !== order.userId) report(`${by} debited user ${userId}, not ${order.userId}`)
    if (amount !== order.total) report(`${by} debited ${amount}, not ${order.total}`)
  }
  const units = took?.units ?? new Map<string, number>()
  for (const { itemId, quantity } of order.lines) {
    const taken = units.get(itemId) ?? 0
    if (taken !== quantity) report(`${by} took ${taken} units of ${itemId}, not ${quantity}`)
    units.delete(itemId)
  }
  for (const [itemId, taken] of units) {
    report(`${by} took ${taken} units of ${itemId}, which is not in it`)
  }
}

/** I3, the other way round: what no paid order accounts for. */
function checkUnclaimed(ledger: Ledger, report: Report): void {
  for (const [transaction, { debits, units }] of ledger.taken) {
    for (const { userId, amount } of debits) {
      report(`transaction ${transaction} debited user ${userId} ${amount}; no order is paid by it`)
    }
    for (const [itemId, taken] of units) {
      report(`transaction ${transaction} took ${taken} of ${itemId}; no order is paid by it`)
    }
  }
}

interface Kept {
  readonly what: string
  readonly now: number
  readonly held: number
  readonly spent: number
  readonly before: Amount | undefined
}

/** I1, I2: what was there is what is there and what paid orders took. */
function checkKept({ what, now, held, spent, before }: Kept, report: Report): void {
  if (!Number.isSafeInteger(now) || now < 0) report(`${what} is ${now}`)
  if (held !== 0) report(`${what}: ${held} of it is held, and nothing is open`)
  if (before === undefined) return
  const { least, most } = typeof before === 'number' ? { least: before, most: before } : before
  const right = least === most ? `${least - spent}` : `${least - spent} to ${most - spent}`
  if (now < least - spent || now > most - spent) report(`${what} is ${now} and should be ${right}`)
}

async function checkItems(
  records: ShopRecords,
  { unitsTaken }: Ledger,
  expected: Expected,
  report: Report,
): Promise<void> {
  for await (const page of records.pages('items')) {
    for (const [id, { stock, held, generation }] of page) {
      const spent = unitsTaken.of(id, generation)
      const before = expected.stock?.(id)
      checkKept({ what: `stock of item ${id}`, now: stock, held, spent, before }, report)
    }
  }
}

async function checkUsers(
  records: ShopRecords,
  { creditTaken }: Ledger,
  expected: Expected,
  report: Report,
): Promise<void> {
  for await (const page of records.pages('users')) {
    for (const [id, { credit, held, generation }] of page) {
      const spent = creditTaken.of(id, generation)
      const before = expected.credit?.(id)
      checkKept({ what: `credit of user ${id}`, now: credit, held, spent, before }, report)
    }
  }
}
