/**
 * A load of checkouts that goes on whatever happens to the shop: a few clients, each of which pays
 * one new order after another and keeps what it was told. Nothing is ever short, so every checkout
 * can succeed; none is repeated.
 */
import assert from 'node:assert/strict'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Expected } from './checker.ts'
import type { CheckoutAnswer } from './checker-answers.ts'
import type { Shop } from './shop.ts'
import { range } from './suite.ts'

const sizes = { items: 100, users: 100, price: 1 } as const
/** More of everything than can be asked for. */
const plenty = 10_000_000
const clients = 8
/** Of each client between two checkouts: the machine is not to be the bottleneck. */
const pauseMs = 40

export class SteadyLoad {
  readonly answers: CheckoutAnswer[] = []
  readonly #orders: number
  #next = 0
  #isOn = false
  #running: Promise<unknown> = Promise.resolve()

  private constructor(orders: number) {
    this.#orders = orders
  }

  /** Fills the shop with so many orders that one each is there for every checkout. */
  static async prepare(shop: Shop, orders: number): Promise<SteadyLoad> {
    const { items, users, price } = sizes
    await Promise.all([
      shop.initItems(items, plenty, price),
      shop.initUsers(users, plenty),
      shop.initOrders(orders, items, users, price),
    ])
    return new SteadyLoad(orders)
  }

  get expected(): Expected {
    return {
      stock: (id) => (Number(id) < sizes.items ? plenty : undefined),
      credit: (id) => (Number(id) < sizes.users ? plenty : undefined),
      answers: this.answers,
    }
  }

  start(shop: Shop): void {
    this.#isOn = true
    this.#running = Promise.all(range(clients).map(() => this.#client(shop)))
  }

  /** Resolves when every checkout under way has been answered, or has failed. */
  async stop(): Promise<void> {
    this.#isOn = false
    await this.#running
  }

  /** Waits until so many more checkouts have succeeded; fails when that takes too long. */
  async untilPaid(more: number, withinMs: number): Promise<void> {
    const from = this.answers.length
    const giveUpAt = systemClock.now() + withinMs
    const paid = () => this.answers.slice(from).filter(({ status }) => status === 200).length
    while (paid() < more) {
      assert.ok(systemClock.now() < giveUpAt, `${paid()} of ${more} checkouts in ${withinMs} ms`)
      await systemClock.sleep(pauseMs)
    }
  }

  /**
   * Strikes, and returns the ms from then to the end of the first checkout that succeeded and had
   * not begun before the blow was over: until then what is struck may still serve. Fails when late.
   */
  async untilPaidAfter(blow: () => Promise<unknown>, withinMs: number): Promise<number> {
    const struckAt = systemClock.now()
    await blow()
    const overAt = systemClock.now()
    for (;;) {
      const ends = this.answers
        .filter(({ status, startedAt }) => status === 200 && startedAt >= overAt)
        .map(({ endedAt }) => endedAt)
      if (ends.length > 0) return Math.min(...ends) - struckAt
      assert.ok(systemClock.now() - overAt < withinMs, `no checkout succeeded in ${withinMs} ms`)
      await systemClock.sleep(pauseMs)
    }
  }

  async #client(shop: Shop): Promise<void> {
    while (this.#isOn) {
      assert.ok(this.#next < this.#orders, 'there are too few orders for so long a load')
      const orderId = String(this.#next++)
      const startedAt = systemClock.now()
      const status = await shop.checkout(orderId).then(
        (answer) => answer.status,
        () => undefined,
      )
      this.answers.push({ orderId, status, startedAt, endedAt: systemClock.now() })
      await systemClock.sleep(pauseMs)
    }
  }
}
