/**
 * The consistency test of the public course benchmark (delftdata/wdm-project-benchmark), with its
 * figures and its rules: one item with 100 units, 1,000 users who can each pay for one, 1,000
 * orders by users drawn at random, all checked out at once over 100 connections. A checkout counts
 * as sold unless its answer is 4xx, so a 5xx for one that does not happen shows as an
 * inconsistency.
 */
import { systemRandom } from '../lib/runtime/random.ts'
import { ConnectionPool, succeed } from './connection-pool.ts'

const units = 100
const customers = 1_000
const orderCount = 1_000
const price = 1
const credit = 1
const connections = 100

export interface Inconsistencies {
  /** Units answered as sold, less those there were. */
  readonly stockInAnswers: number
  /** Units gone from the shelf, less those there were. */
  readonly stockInDatabase: number
  /** Credit that the answers leave, against what it must be. */
  readonly paymentInAnswers: number
  readonly paymentInDatabase: number
}

export async function findInconsistencies(origin: string): Promise<Inconsistencies> {
  const pool = new ConnectionPool(origin, connections)
  const post = (path: string) => succeed(pool, 'POST', path)
  const made = async (path: string, field: string): Promise<string> =>
    JSON.parse(await post(path))[field]
  const found = async (path: string, field: string): Promise<number> =>
    JSON.parse(await succeed(pool, 'GET', path))[field]

  const item = await made(`/stock/item/create/${price}`, 'item_id')
  await post(`/stock/add/${item}/${units}`)
  const users = await Promise.all(
    Array.from({ length: customers }, async () => {
      const user = await made('/payment/create_user', 'user_id')
      await post(`/payment/add_funds/${user}/${credit}`)
      return user
    }),
  )
  const orders = await Promise.all(
    Array.from({ length: orderCount }, async () => {
      const user = users[systemRandom.integer(users.length)]
      const order = await made(`/orders/create/${user}`, 'order_id')
      await post(`/orders/addItem/${order}/${item}/1`)
      return order
    }),
  )
  const answers = await Promise.all(
    orders.map((order) => pool.exchange('POST', `/orders/checkout/${order}`)),
  )
  const sold = answers.filter(({ status }) => status < 400 || status >= 500).length

  const left = await found(`/stock/find/${item}`, 'stock')
  const credits = await Promise.all(
    users.map((user) => found(`/payment/find_user/${user}`, 'credit')),
  )
  pool.close()
  const all = customers * credit
  const right = all - units * price
  return {
    stockInAnswers: sold - units,
    stockInDatabase: units - left - units,
    paymentInAnswers: Math.abs(right - (all - sold * price)),
    paymentInDatabase: Math.abs(right - credits.reduce((sum, each) => sum + each, 0)),
  }
}
