/**
 * What clients do, in one history: each goes on with the next action when it has its answer, until
 * the drawn number of actions is done or the safety phase is over. First the records of the shop
 * are put into its databases, as they would be after a quiet day.
 */
import { partitionOf } from '../lib/runtime/partition.ts'
import type { Random } from '../lib/runtime/random.ts'
import { addLine, newOrder, type OrderRecord } from '../order/order.ts'
import { type Clients, keyOf, type Request } from './clients.ts'
import type { Draw, ServiceKey, Weights } from './draw.ts'
import { isUnknown, type Operation } from './operation.ts'
import type { SimShop } from './shop.ts'

const mostAttempts = 4

export class Workload {
  readonly #shop: SimShop
  readonly #draw: Draw
  readonly #clients: Clients
  readonly #random: Random
  readonly #total: number
  readonly #ids: Record<'item' | 'user' | 'order', string[]> = { item: [], user: [], order: [] }
  #left: number
  #keys = 0
  #isOver = false

  constructor(shop: SimShop, clients: Clients, random: Random) {
    this.#shop = shop
    this.#draw = shop.draw
    this.#clients = clients
    this.#random = random
    this.#left = shop.draw.load.actions
    const { weights } = shop.draw.load
    this.#total = Object.values(weights).reduce((sum, weight) => sum + weight, 0)
  }

  stock(): void {
    const { draw } = this.#shop
    const demand = { item: new Map<string, number>(), user: new Map<string, number>() }
    const count = (map: Map<string, number>, id: string, by: number) =>
      map.set(id, (map.get(id) ?? 0) + by)
    const orders: [string, OrderRecord][] = []
    for (let index = 0; index < draw.orders; index++) {
      const userId = String(this.#random.integer(draw.users))
      let order = newOrder(userId)
      const lines = 1 + this.#random.integer(draw.linesMost)
      for (let line = 0; line < lines; line++) {
        const item = this.#random.integer(draw.items)
        const quantity = 1 + this.#random.integer(draw.quantityMost)
        const added = addLine(order, String(item), quantity, priceOf(item), 100)
        if (typeof added !== 'string') order = added
        count(demand.item, String(item), quantity)
      }
      count(demand.user, userId, order.total)
      orders.push([String(index), order])
    }
    this.#put('order', 'order:', orders)
    const shelf = { held: 0, generation: 0 }
    this.#put(
      'stock',
      'item:',
      Array.from({ length: draw.items }, (_, id) => {
        const stock = Math.ceil((demand.item.get(String(id)) ?? 0) * draw.stockPerDemand)
        return [String(id), { price: priceOf(id), stock, ...shelf }]
      }),
    )
    this.#put(
      'payment',
      'user:',
      Array.from({ length: draw.users }, (_, id) => {
        const credit = Math.ceil((demand.user.get(String(id)) ?? 0) * draw.creditPerDemand)
        return [String(id), { credit, ...shelf }]
      }),
    )
  }

  begin(): void {
    for (let client = 0; client < this.#draw.load.clients; client++) this.#next()
  }

  /** No new requests. */
  end(): void {
    this.#isOver = true
  }

  get isDone(): boolean {
    return this.#left <= 0
  }

  #put(service: ServiceKey, prefix: string, records: readonly (readonly [string, object])[]): void {
    for (const [id, record] of records) {
      const partition = partitionOf(id, this.#draw.config.partitions)
      this.#shop.databases[service].place(partition, prefix + id, record)
      this.#ids[prefix.slice(0, -1) as 'item'].push(id)
    }
  }

  #next(): void {
    const { thinkMs } = this.#draw.load
    this.#shop.world.after(this.#random.next() * thinkMs * 2 + 0.01, () => {
      if (this.#isOver || this.#left-- <= 0) return
      this.#act(this.#pickAction())
    })
  }

  #pickAction(): keyof Weights {
    let point = this.#random.next() * this.#total
    for (const [name, weight] of Object.entries(this.#draw.load.weights)) {
      point -= weight
      if (point < 0) return name as keyof Weights
    }
    return 'checkout'
  }

  #act(action: keyof Weights): void {
    const next = () => this.#next()
    const item_id = this.#any('item')
    const user_id = this.#any('user')
    const amount = 1 + this.#random.integer(5)
    const item = { item_id, amount }
    const user = { user_id, amount }
    const line = { order_id: this.#any('order'), item_id, quantity: 1 }
    const actions: Record<keyof Weights, () => void> = {
      checkout: () => this.#checkout(this.#any('order'), 1, next),
      burst: () => this.#burst(this.#any('order'), 2 + this.#random.integer(4), next),
      addItem: () => this.#change('order', addItemRoute, line, next),
      add: () => this.#change('stock', 'POST /stock/add/{item_id}/{amount}', item, next),
      subtract: () => this.#change('stock', 'POST /stock/subtract/{item_id}/{amount}', item, next),
      addFunds: () => this.#change('payment', addFundsRoute, user, next),
      pay: () => this.#change('payment', 'POST /payment/pay/{user_id}/{amount}', user, next),
      create: () => this.#create(next),
      find: () => this.#find(next),
      batchInit: () => this.#batchInit(next),
    }
    actions[action]()
  }

  #any(kind: 'item' | 'user' | 'order'): string {
    const ids = this.#ids[kind]
    return ids[this.#random.integer(ids.length)]!
  }

  #checkout(order_id: string, attempt: number, next: () => void): void {
    const request: Request = {
      service: 'order',
      route: checkoutRoute,
      parameters: { order_id },
      ...this.#maybeKey(),
    }
    this.#clients.send(request, (operation) => {
      const { repeats } = this.#draw.load
      const again = isUnknown(operation) && attempt < mostAttempts && this.#random.next() < repeats
      if (!again || this.#isOver) return next()
      const pause = this.#random.next() * 200
      this.#shop.world.after(pause, () => {
        if (!this.#isOver) this.#checkout(order_id, attempt + 1, next)
      })
    })
  }

  #burst(order_id: string, count: number, next: () => void): void {
    let left = count
    for (let index = 0; index < count; index++) {
      this.#checkout(order_id, 1, () => {
        if (--left === 0) next()
      })
    }
  }

  #maybeKey(): { key?: string } {
    if (this.#random.next() >= this.#draw.load.keyed) return {}
    return { key: keyOf(this.#draw.seed, this.#keys++) }
  }

  /** A request with an effect; with a key it is repeated until it is answered. */
  #change(
    service: ServiceKey,
    route: string,
    parameters: Request['parameters'],
    next: (operation: Operation) => void,
  ): void {
    const request: Request = { service, route, parameters, ...this.#maybeKey() }
    const attempt = (number: number) => {
      this.#clients.send(request, (operation) => {
        const isOver = request.key === undefined || !isUnknown(operation) || this.#isOver
        if (isOver || number === mostAttempts) return next(operation)
        this.#shop.world.after(this.#random.next() * 200, () => {
          if (!this.#isOver) attempt(number + 1)
        })
      })
    }
    attempt(1)
    const isTwice = request.key !== undefined && this.#random.next() < this.#draw.load.keyedTwice
    if (isTwice) this.#clients.send(request, () => {})
  }

  #create(next: () => void): void {
    const kind = (['item', 'user', 'order'] as const)[this.#random.integer(3)]!
    const [service, route, parameters] = {
      item: ['stock', 'POST /stock/item/create/{price}', { price: this.#random.integer(9) }],
      user: ['payment', 'POST /payment/create_user', {}],
      order: ['order', 'POST /orders/create/{user_id}', { user_id: this.#any('user') }],
    }[kind] as [ServiceKey, string, Request['parameters']]
    this.#change(service, route, parameters, ({ status, body }) => {
      const id = (body as Record<string, string> | undefined)?.[`${kind}_id`]
      if (status === 200 && id !== undefined) this.#ids[kind].push(id)
      next()
    })
  }

  #find(next: () => void): void {
    const kind = (['item', 'user', 'order'] as const)[this.#random.integer(3)]!
    const [service, route] = {
      item: ['stock', 'GET /stock/find/{item_id}'],
      user: ['payment', 'GET /payment/find_user/{user_id}'],
      order: ['order', 'GET /orders/find/{order_id}'],
    }[kind] as [ServiceKey, string]
    this.#clients.send({ service, route, parameters: { [`${kind}_id`]: this.#any(kind) } }, next)
  }

  #batchInit(next: () => void): void {
    const { items, users, orders } = this.#draw
    const [service, route, parameters] = (
      [
        [
          'stock',
          'POST /stock/batch_init/{n}/{starting_stock}/{item_price}',
          { n: items, starting_stock: 20, item_price: 3 },
        ],
        [
          'payment',
          'POST /payment/batch_init/{n}/{starting_money}',
          { n: users, starting_money: 50 },
        ],
        [
          'order',
          'POST /orders/batch_init/{n}/{n_items}/{n_users}/{item_price}',
          { n: orders, n_items: items, n_users: users, item_price: 3 },
        ],
      ] as const
    )[this.#random.integer(3)]!
    this.#change(service, route, parameters, next)
  }
}

const priceOf = (item: number): number => item % 7

export const checkoutRoute = 'POST /orders/checkout/{order_id}'
const addFundsRoute = 'POST /payment/add_funds/{user_id}/{amount}'
export const addItemRoute = 'POST /orders/addItem/{order_id}/{item_id}/{quantity}'
