/**
 * The orders that a run checks out: filled through the public contract before anything is measured,
 * each checked out once, in a random order.
 *
 * uniform  what batch_init draws: two of all items, one of all users
 * hot      batch_init again, but every order wants two of the first few items (one by default)
 * zipf     two items drawn by Zipf's law over all of them; batch_init cannot do that, so the orders
 *          are made one by one (create, addItem, addItem), and the items' ids are their ranks
 */
import type { Random } from '../lib/runtime/random.ts'
import { ConnectionPool, succeed } from './connection-pool.ts'
import { zipfDraw } from './zipf.ts'

export const mixes = ['uniform', 'zipf', 'hot'] as const
export type Mix = (typeof mixes)[number]

export interface Shelves {
  readonly items: number
  readonly users: number
  readonly orders: number
  /** Units of each item, and credit of each user, at the start. */
  readonly stock: number
  readonly credit: number
  readonly price: number
}

export interface WorkloadOptions extends Shelves {
  readonly mix: Mix
  readonly hotItems: number
  readonly zipfExponent: number
}

/** The orders of a filled shop. */
export interface Orders {
  readonly count: number
  idOf(index: number): string
  indexOf(id: string): number | undefined
}

export interface FillPorts {
  readonly origin: string
  readonly random: Random
  readonly connections: number
  /** Is told how many of the records have been made, of `records`. */
  onProgress?(made: number, records: number): void
}

/**
 * Replaces what the shop has under the ids that batch_init gives. Throws if an answer is not 200.
 */
export async function fill(options: WorkloadOptions, ports: FillPorts): Promise<Orders> {
  const { items, users, orders, stock, credit, price, mix } = options
  const pool = new ConnectionPool(ports.origin, ports.connections)
  const records = items + users + orders
  const init = async (path: string, made: number) => {
    await succeed(pool, 'POST', path)
    ports.onProgress?.(made, records)
  }
  await init(`/stock/batch_init/${items}/${stock}/${price}`, items)
  await init(`/payment/batch_init/${users}/${credit}`, items + users)
  if (mix !== 'zipf') {
    const drawn = mix === 'hot' ? Math.min(options.hotItems, items) : items
    await init(`/orders/batch_init/${orders}/${drawn}/${users}/${price}`, records)
  }
  const filled = mix === 'zipf' ? await makeZipfOrders(options, ports, pool) : numbered(orders)
  pool.close()
  return filled
}

const numbered = (count: number): Orders => ({
  count,
  idOf: String,
  indexOf: (id) => (isNumbered(id, count) ? Number(id) : undefined),
})

/** Whether batch_init of `count` records made this id. */
export const isNumbered = (id: string, count: number) => /^[0-9]+$/.test(id) && Number(id) < count

async function makeZipfOrders(
  { items, users, orders, zipfExponent }: WorkloadOptions,
  { random, connections, onProgress }: FillPorts,
  pool: ConnectionPool,
): Promise<Orders> {
  const drawItem = zipfDraw(items, zipfExponent, random)
  const ids: string[] = []
  let begun = 0
  const work = async () => {
    while (begun < orders) {
      begun++
      const body = await succeed(pool, 'POST', `/orders/create/${random.integer(users)}`)
      const id: string = JSON.parse(body).order_id
      for (const item of [drawItem(), drawItem()]) {
        await succeed(pool, 'POST', `/orders/addItem/${id}/${item}/1`)
      }
      ids.push(id)
      onProgress?.(items + users + ids.length, items + users + orders)
    }
  }
  await Promise.all(Array.from({ length: connections }, work))
  const index = new Map(ids.map((id, at) => [id, at]))
  return { count: ids.length, idOf: (at) => ids[at]!, indexOf: (id) => index.get(id) }
}

/** 0 to `count - 1`, shuffled (Fisher and Yates). */
export function shuffled(count: number, random: Random): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index)
  for (let last = count - 1; last > 0; last--) {
    const other = random.integer(last + 1)
    const kept = order[last]!
    order[last] = order[other]!
    order[other] = kept
  }
  return order
}
