/**
 * The check that ends every run: I1 money, I2 stock, I3 each paid order paid once, over every item,
 * user and order, and the answers against the orders (I4).
 *
 * It needs no AUDIT: since the books were opened, each record must show what it had less what the
 * paid orders name. Debits by transaction id are what `checkShop` (test/checker.ts) adds to that.
 */
import type { ShopRecords } from '../test/records.ts'

export interface BookedOrder {
  readonly userId: string
  readonly lines: readonly { readonly itemId: string; readonly quantity: number }[]
  readonly total: number
  readonly isPaid: boolean
  /** The transaction that has it in checkout. */
  readonly heldBy?: string | undefined
}

/** What an item or a user has: units or credit. */
export interface Holding {
  readonly has: number
  /** What open transactions hold of it. */
  readonly held: number
}

/** Everything a shop keeps, in pages of id and record. */
export interface Books {
  orders(): AsyncIterable<readonly (readonly [string, BookedOrder])[]>
  items(): AsyncIterable<readonly (readonly [string, Holding])[]>
  users(): AsyncIterable<readonly (readonly [string, Holding])[]>
}

export interface Opening {
  /** Units that every item had; undefined if that is not known. */
  readonly stock?: number | undefined
  /** Credit that every user had. */
  readonly credit?: number | undefined
  /** Which records these books are of; older ones are left out. */
  isOurItem(id: string): boolean
  isOurUser(id: string): boolean
  isOurOrder(id: string): boolean
  /** HTTP status that a checkout of the order was answered with; 0 if none came. */
  statusOf(orderId: string): number
}

export interface Audit {
  readonly paidOrders: number
  /** Each as a sentence; none if the books are right. */
  readonly differences: readonly string[]
}

export async function auditBooks(books: Books, opening: Opening): Promise<Audit> {
  const differences: string[] = []
  const units = new Map<string, number>()
  const spent = new Map<string, number>()
  let paidOrders = 0
  for await (const page of books.orders()) {
    for (const [id, order] of page) {
      if (!opening.isOurOrder(id)) continue
      const wrong = contradiction(id, order.isPaid, opening.statusOf(id))
      if (wrong !== undefined) differences.push(wrong)
      if (order.heldBy !== undefined) differences.push(`order ${id} is held by ${order.heldBy}`)
      if (!order.isPaid) continue
      paidOrders++
      add(spent, order.userId, order.total)
      for (const { itemId, quantity } of order.lines) add(units, itemId, quantity)
    }
  }
  const compare = (what: string, holding: Holding, before: number | undefined, taken: number) => {
    const { has, held } = holding
    if (held !== 0) differences.push(`${what}: ${held} is held, and nothing is open`)
    if (has < 0) differences.push(`${what} has ${has}`)
    if (before === undefined || has === before - taken) return
    differences.push(`${what} has ${has}, not ${before} less ${taken} in paid orders`)
  }
  for await (const page of books.items()) {
    for (const [id, holding] of page) {
      const sold = taken(units, id)
      if (opening.isOurItem(id)) compare(`item ${id}`, holding, opening.stock, sold)
    }
  }
  for await (const page of books.users()) {
    for (const [id, holding] of page) {
      const paid = taken(spent, id)
      if (opening.isOurUser(id)) compare(`user ${id}`, holding, opening.credit, paid)
    }
  }
  for (const id of units.keys()) differences.push(`item ${id} was sold and does not exist`)
  for (const id of spent.keys()) differences.push(`user ${id} has paid and does not exist`)
  return { paidOrders, differences }
}

function contradiction(id: string, isPaid: boolean, status: number): string | undefined {
  if (status >= 200 && status < 300 && !isPaid) {
    return `order ${id} was answered ${status} and is not paid`
  }
  if (status >= 400 && status < 500 && isPaid) {
    return `order ${id} was answered ${status} and is paid`
  }
  return undefined
}

const add = (sums: Map<string, number>, id: string, amount: number) =>
  sums.set(id, (sums.get(id) ?? 0) + amount)

/** Takes the sum out, so that what is left at the end belongs to no record. */
function taken(sums: Map<string, number>, id: string): number {
  const sum = sums.get(id) ?? 0
  sums.delete(id)
  return sum
}

/** The books as the internal routes page through them. */
export function recordedBooks(records: ShopRecords): Books {
  return {
    async *orders() {
      for await (const page of records.pages('orders')) {
        yield page.map(([id, { userId, lines, total, paid, checkout }]) => [
          id,
          { userId, lines, total, isPaid: paid !== undefined, heldBy: checkout },
        ])
      }
    },
    async *items() {
      for await (const page of records.pages('items')) {
        yield page.map(([id, { stock, held }]) => [id, { has: stock, held }])
      }
    },
    async *users() {
      for await (const page of records.pages('users')) {
        yield page.map(([id, { credit, held }]) => [id, { has: credit, held }])
      }
    },
  }
}
