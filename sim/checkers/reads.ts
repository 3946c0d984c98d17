/**
 * Reads, as a register for each record: what was read is a value that the record had at some moment
 * between question and answer. The same for the sum that a write's answer tells. Writes are atomic
 * at one moment, so this is linearizability of each item, account and order.
 */
import type { OrderRecord } from '../../order/order.ts'
import { valuesBetween } from '../books.ts'
import type { Operation } from '../operation.ts'
import type { Evidence, MakeChecker } from './checker.ts'

export const reads: MakeChecker = (evidence) => ({
  onAnswer(operation) {
    if (operation.status === 200) checkFound(evidence, operation)
    else if (operation.status === 404) checkUnknown(evidence, operation)
  },
})

/** What a 200 answer says of a shelf: the sum in JSON or at the end of a sentence. */
export const toldSum: Readonly<Record<string, (operation: Operation) => number | undefined>> = {
  'GET /stock/find/{item_id}': ({ body }) => (body as { stock: number }).stock,
  'GET /payment/find_user/{user_id}': ({ body }) => (body as { credit: number }).credit,
  'POST /stock/add/{item_id}/{amount}': inSentence,
  'POST /stock/subtract/{item_id}/{amount}': inSentence,
  'POST /payment/add_funds/{user_id}/{amount}': inSentence,
  'POST /payment/pay/{user_id}/{amount}': inSentence,
}

function inSentence({ body, key }: Operation): number | undefined {
  // With a key the answer may be an old one.
  if (key !== undefined) return undefined
  return Number(/has (?:credit )?(\d+)(?: units)?$/.exec(String(body))?.[1])
}

function checkFound({ books, report }: Evidence, operation: Operation): void {
  const { id, route, parameters, startedAt, body } = operation
  const to = operation.endedAt!
  const blame = (key: string) =>
    report('I7', `request ${id} read ${JSON.stringify(body)}, which ${key} never was meanwhile`)
  if (route === 'GET /orders/find/{order_id}') {
    const key = `order:${parameters.order_id}`
    const found = body as { paid: boolean; total_cost: number }
    const fits = (order: OrderRecord | undefined) =>
      order !== undefined &&
      (order.paid !== undefined) === found.paid &&
      order.total === found.total_cost
    if (!valuesBetween(books.orders.get(key), startedAt, to).some(fits)) blame(key)
    return
  }
  const sum = toldSum[route]?.(operation)
  if (sum === undefined) return
  const { item_id, user_id } = parameters
  const key = item_id === undefined ? `user:${user_id}` : `item:${item_id}`
  const values = valuesBetween(books.shelves.get(key), startedAt, to)
  if (!values.some((each) => each?.amount === sum)) blame(key)
}

/** Nothing is unknown that was there all the time. */
function checkUnknown({ books, report }: Evidence, operation: Operation): void {
  const { id, code, parameters, startedAt } = operation
  const kind = { unknown_item: 'item', unknown_user: 'user', unknown_order: 'order' }[code]
  const own = kind === undefined ? undefined : parameters[`${kind}_id`]
  if (own === undefined) return
  const key = `${kind}:${own}`
  const versions = kind === 'order' ? books.orders.get(key) : books.shelves.get(key)
  const values = valuesBetween<unknown>(versions, startedAt, operation.endedAt!)
  if (values.includes(undefined)) return
  report('I7', `request ${id} was told ${code}, but ${key} was there`)
}
