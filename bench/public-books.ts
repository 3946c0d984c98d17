/**
 * The books of a shop of which only the public routes can be reached: every order, item and user
 * is asked for with a GET of its own, some ten thousand a second. What is held is not to be seen
 * there.
 */
import type { BookedOrder, Books } from './books.ts'
import { ConnectionPool, succeed } from './connection-pool.ts'

export interface PublicBooksOptions {
  readonly origin: string
  readonly orderIds: Iterable<string>
  /** Items and users are "0" to this many less one. */
  readonly items: number
  readonly users: number
}

interface FoundOrder {
  readonly paid: boolean
  readonly items: readonly (readonly [string, number])[]
  readonly user_id: string
  readonly total_cost: number
}

const connections = 32

export function publicBooks({ origin, orderIds, items, users }: PublicBooksOptions): Books {
  const booked = (found: FoundOrder): BookedOrder => ({
    userId: found.user_id,
    lines: found.items.map(([itemId, quantity]) => ({ itemId, quantity })),
    total: found.total_cost,
    isPaid: found.paid,
  })
  return {
    orders: () => findAll(origin, '/orders/find/', orderIds, booked),
    items: () =>
      findAll(origin, '/stock/find/', ids(items), (item: { stock: number }) => ({
        has: item.stock,
        held: 0,
      })),
    users: () =>
      findAll(origin, '/payment/find_user/', ids(users), (user: { credit: number }) => ({
        has: user.credit,
        held: 0,
      })),
  }
}

function* ids(count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield String(index)
}

/** One page with everything. Throws where an answer is not 200. */
async function* findAll<Found, Kept>(
  origin: string,
  path: string,
  all: Iterable<string>,
  keep: (found: Found) => Kept,
): AsyncIterable<readonly (readonly [string, Kept])[]> {
  const pool = new ConnectionPool(origin, connections)
  const page: [string, Kept][] = []
  const queue = all[Symbol.iterator]()
  const work = async () => {
    for (let next = queue.next(); !next.done; next = queue.next()) {
      const body = await succeed(pool, 'GET', path + next.value)
      page.push([next.value, keep(JSON.parse(body))])
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  pool.close()
  yield page
}
