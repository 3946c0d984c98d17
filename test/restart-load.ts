/**
 * A load of checkouts that survives its shop being killed: what clients were told is kept, what
 * they were not told is kept as such, and no checkout is ever repeated because of that.
 *
 * Beside it, funds are added under idempotency keys: those requests *are* repeated until they are
 * answered, and must be applied exactly once.
 */
import assert from 'node:assert/strict'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import type { Expected } from './checker.ts'
import { type CheckoutAnswer, promised } from './checker-answers.ts'
import type { RunningShop } from './running-shop.ts'
import type { Shop } from './shop.ts'
import { inParallel, range } from './suite.ts'

/** Small enough that some items and some users run out, so that every kind of end occurs. */
const sizes = { orders: 1_500, items: 40, stock: 30, users: 40, credit: 30, price: 1 } as const
const checkoutClients = 24
/** Funds go to users of their own, whom no order belongs to. */
const savers = ['saver-0', 'saver-1']

interface Saver {
  readonly id: string
  saved: number
  /** The key of the request that has not been answered yet. */
  key: number
}

export class Load {
  readonly answers: CheckoutAnswer[] = []
  readonly random: Random
  readonly #savers: Saver[]
  /** Orders that were answered as paid and have not been read since. */
  #toConfirm: string[] = []
  #awaited: { readonly length: number; resolve(): void } | undefined

  private constructor(seed: number, saverIds: readonly string[]) {
    this.random = seededRandom(seed)
    this.#savers = saverIds.map((id) => ({ id, saved: 0, key: 0 }))
  }

  /** Fills the shop. */
  static async prepare({ shop }: RunningShop, seed: number): Promise<Load> {
    const { orders, items, stock, users, credit, price } = sizes
    await Promise.all([
      shop.initItems(items, stock, price),
      shop.initUsers(users, credit),
      shop.initOrders(orders, items, users, price),
    ])
    return new Load(seed, await Promise.all(savers.map(() => shop.createUser())))
  }

  /** What the shop must show after everything that was answered. */
  get expected(): Expected {
    const { items, stock, users, credit } = sizes
    const savers = new Map(this.#savers.map(({ id, saved }) => [id, saved]))
    return {
      stock: (id) => (Number(id) < items ? stock : undefined),
      credit: (id) => savers.get(id) ?? (Number(id) < users ? credit : undefined),
      answers: this.answers,
    }
  }

  /** Clients that go on until the shop is gone; resolves when all of them have noticed. */
  async run({ shop }: RunningShop): Promise<void> {
    const checkouts = range(checkoutClients).map(async () => {
      while (await this.#checkout(shop));
    })
    const funds = this.#savers.map(async (saver) => {
      while (await this.#save(shop, saver));
    })
    await Promise.all([...checkouts, ...funds])
  }

  /** Resolves when so many more checkouts have been answered. */
  answered(more: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#awaited = { length: this.answers.length + more, resolve }
    return promise
  }

  /**
   * Repeats what savers have not been answered, and reads what was promised since the last time.
   */
  async confirm({ shop }: RunningShop): Promise<void> {
    for (const saver of this.#savers) assert.ok(await this.#save(shop, saver), 'answered by now')
    const orders = this.#toConfirm
    this.#toConfirm = []
    await inParallel(16, orders, async (id) => {
      assert.ok((await shop.findOrder(id)).paid, `order ${id} was answered as paid`)
    })
  }

  /** One checkout of some order, repeats included; false when the shop did not answer. */
  async #checkout(shop: Shop): Promise<boolean> {
    const orderId = String(this.random.integer(sizes.orders))
    const startedAt = systemClock.now()
    const status = await statusOf(shop.checkout(orderId))
    this.answers.push({ orderId, status, startedAt, endedAt: systemClock.now() })
    if (promised(status) === 'paid') this.#toConfirm.push(orderId)
    if (this.answers.length === this.#awaited?.length) this.#awaited.resolve()
    return status !== undefined
  }

  async #save(shop: Shop, saver: Saver): Promise<boolean> {
    const idempotencyKey = `${saver.id} ${saver.key}`
    const path = `/payment/add_funds/${saver.id}/1`
    const status = await statusOf(shop.post(path, { idempotencyKey }))
    if (status === 200) {
      saver.key++
      saver.saved++
    }
    return status !== undefined
  }
}

/** The status of an answer; undefined where none came. */
async function statusOf(answer: Promise<{ status: number }>): Promise<number | undefined> {
  try {
    return (await answer).status
  } catch {
    return undefined
  }
}
