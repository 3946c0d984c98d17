/** What can be done with orders outside a checkout. Each is one atomic step; rules: order.ts. */
import type { Asker } from '../lib/engine/asker.ts'
import { loadBatch } from '../lib/engine/batch.ts'
import type { Idempotency } from '../lib/engine/idempotency.ts'
import { newId } from '../lib/engine/new-id.ts'
import type { ServicePorts } from '../lib/engine/service.ts'
import type { ErrorCode } from '../lib/runtime/errors.ts'
import { partitionOf } from '../lib/runtime/partition.ts'
import { json, problem, type ShopAnswer, type ShopRequest, text } from '../lib/runtime/route.ts'
import { type AddRefusal, addLine, firstVersionOf, newOrder, type OrderRecord } from './order.ts'

export const orderPrefix = 'order:'
export const orderKey = (id: string) => orderPrefix + id

/** How long addItem waits for stock to tell a price. */
const pricePatienceMs = 5_000

export interface OrdersPorts extends ServicePorts {
  readonly asker: Asker
  readonly idempotency: Idempotency
}

export class Orders {
  readonly #ports: OrdersPorts

  constructor(ports: OrdersPorts) {
    this.#ports = ports
  }

  async create(request: ShopRequest, userId: string): Promise<ShopAnswer> {
    const { random, storage, idempotency } = this.#ports
    const id = newId(random, storage.partitions, idempotency.partitionFor(request))
    return idempotency.once(request, this.#partition(id), [orderKey(id)], (draft) => {
      draft.put(orderKey(id), newOrder(userId))
      return json({ order_id: id })
    })
  }

  async find(id: string): Promise<ShopAnswer> {
    const order = await this.read(id)
    if (order === undefined) return unknownOrder(id)
    return json({
      order_id: id,
      paid: order.paid !== undefined,
      items: order.lines.map((line) => [line.itemId, line.quantity]),
      user_id: order.userId,
      total_cost: order.total,
    })
  }

  read(id: string): Promise<OrderRecord | undefined> {
    return this.#ports.storage.read<OrderRecord>(this.#partition(id), orderKey(id))
  }

  async addItem(
    request: ShopRequest,
    id: string,
    itemId: string,
    quantity: number,
  ): Promise<ShopAnswer> {
    const { idempotency, config } = this.#ports
    const earlier = await idempotency.earlier(request, this.#partition(id))
    if (earlier !== undefined) return earlier
    const isKnown = (await this.read(id)) !== undefined
    const price = isKnown ? await this.#priceOf(itemId) : undefined
    // Refusals come from the step too: only there are they remembered.
    return idempotency.once(request, this.#partition(id), [orderKey(id)], (draft) => {
      const order = draft.get<OrderRecord>(orderKey(id))
      if (!isKnown || order === undefined) return unknownOrder(id)
      if (price === undefined) return problem('unknown_item', `There is no item ${itemId}.`)
      const added = addLine(order, itemId, quantity, price, config.maxOrderLines)
      if (typeof added === 'string') return refusedLine(added, id, config.maxOrderLines)
      draft.put(orderKey(id), added)
      return text(`Order ${id} costs ${added.total}`)
    })
  }

  /** An order without lines is paid for nothing; undefined if it has lines by now. */
  payForNothing(id: string, paid: string): Promise<OrderRecord | undefined> {
    return this.#ports.storage.transact(this.#partition(id), [orderKey(id)], (draft) => {
      const order = draft.get<OrderRecord>(orderKey(id))
      if (order === undefined || order.lines.length > 0 || order.paid !== undefined) return order
      draft.put(orderKey(id), { ...order, paid })
      return order
    })
  }

  /**
   * True when no checkout that was made from `version` can pay the order any more: a late or
   * repeated request for it will be refused. False while one has the order, or if one has paid it.
   */
  async closeVersion(id: string, version: number): Promise<boolean> {
    const known = await this.read(id)
    if (known === undefined || isBeyond(known, version)) return true
    return this.#ports.storage.transact(this.#partition(id), [orderKey(id)], (draft) => {
      const order = draft.get<OrderRecord>(orderKey(id))
      if (order === undefined || isBeyond(order, version)) return true
      if (order.paid !== undefined || order.checkout !== undefined) return false
      draft.put(orderKey(id), { ...order, version: order.version + 1 })
      return true
    })
  }

  batchInit(
    request: ShopRequest,
    count: number,
    items: number,
    users: number,
    price: number,
  ): Promise<ShopAnswer> {
    const { storage, random, idempotency } = this.#ports
    const total = 2 * price
    return idempotency.around(request, async () => {
      if (!Number.isSafeInteger(total)) {
        return problem('overflow', 'Twice the item price must not exceed 2^53-1.')
      }
      await loadBatch(storage, count, orderKey, (generation): OrderRecord => {
        const first = String(random.integer(items))
        const second = String(random.integer(items))
        const lines =
          first === second
            ? [{ itemId: first, quantity: 2, price }]
            : [
                { itemId: first, quantity: 1, price },
                { itemId: second, quantity: 1, price },
              ]
        const userId = String(random.integer(users))
        return { userId, lines, total, version: firstVersionOf(generation), generation }
      })
      return json({ msg: 'Batch init for orders successful' })
    })
  }

  async #priceOf(itemId: string): Promise<number | undefined> {
    const { asker, storage } = this.#ports
    const partition = partitionOf(itemId, storage.partitions)
    const answer = await asker.ask('stock', partition, pricePatienceMs, (id, replyTo) => ({
      kind: 'price',
      id,
      itemId,
      replyTo,
    }))
    return answer.kind === 'priced' ? answer.price : undefined
  }

  #partition(id: string): number {
    return partitionOf(id, this.#ports.storage.partitions)
  }
}

const isBeyond = (order: OrderRecord, version: number): boolean =>
  order.paid === undefined && order.checkout === undefined && order.version > version

export const unknownOrder = (id: string) => problem('unknown_order', `There is no order ${id}.`)

function refusedLine(refusal: AddRefusal, id: string, maxLines: number): ShopAnswer {
  const told: Readonly<Record<AddRefusal, [ErrorCode, string]>> = {
    order_paid: ['order_paid', `Order ${id} is paid; nothing can be added to it.`],
    in_checkout: ['in_checkout', `Order ${id} is in checkout; nothing can be added to it now.`],
    overflow: ['overflow', 'Quantity or total of the order would exceed 2^53-1.'],
    too_many_lines: ['invalid_request', `An order has at most ${maxLines} different items.`],
  }
  return problem(...told[refusal])
}
