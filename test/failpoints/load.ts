/**
 * Checkouts of every kind of end, on records made for one round, until the shop is gone: paid,
 * refused by stock, refused by payment after stock said yes. Nothing is ever asked for twice, so
 * that the log alone decides what becomes of an interrupted checkout.
 */
import { systemClock } from '../../lib/runtime/clock.ts'
import type { Expected } from '../checker.ts'
import type { CheckoutAnswer } from '../checker-answers.ts'
import type { Shop } from '../shop.ts'
import { range } from '../suite.ts'

/** More than a round can use up. */
const plenty = 10_000
const price = 2
const clients = 4
/** A point that so many checkouts do not come to is not there. */
const mostCheckouts = 400

interface Round {
  readonly rich: string
  readonly poor: string
  readonly full: readonly [string, string]
  readonly empty: string
}

export class FailpointLoad {
  readonly #answers: CheckoutAnswer[] = []
  readonly #stock = new Map<string, number>()
  readonly #credit = new Map<string, number>()

  get expected(): Expected {
    return {
      stock: (id) => this.#stock.get(id),
      credit: (id) => this.#credit.get(id),
      answers: this.#answers,
    }
  }

  get lastAnswers(): readonly CheckoutAnswer[] {
    return this.#answers
  }

  async prepare(shop: Shop): Promise<Round> {
    const [first, second, empty, rich, poor] = await Promise.all([
      ...[shop.item(price, plenty), shop.item(price, plenty), shop.item(price, 0)],
      ...[shop.user(plenty), shop.user(0)],
    ])
    for (const id of [first!, second!]) this.#stock.set(id, plenty)
    this.#stock.set(empty!, 0)
    this.#credit.set(rich!, plenty)
    this.#credit.set(poor!, 0)
    return { rich: rich!, poor: poor!, full: [first!, second!], empty: empty! }
  }

  /** Resolves with the number of checkouts asked for, when the shop is gone or `isOver`. */
  async run(shop: Shop, round: Round, isOver: () => boolean): Promise<number> {
    let asked = 0
    const client = async () => {
      while (asked < mostCheckouts && !isOver()) {
        const isAnswered = await this.#checkout(shop, round, asked++).catch(() => false)
        if (!isAnswered) return
      }
    }
    await Promise.all(range(clients).map(client))
    return asked
  }

  /** One new order and its checkout; rejects or answers false where the shop did not answer. */
  async #checkout(shop: Shop, round: Round, index: number): Promise<boolean> {
    const { rich, poor, full, empty } = round
    const [first, second] = full
    const [user, ...lines] = [
      [rich, first, second],
      [poor, first],
      [rich, second],
      [rich, first, empty],
    ][index % 4]!
    const orderId = await shop.order(user!, ...lines.map((item) => [item, 1] as const))
    const startedAt = systemClock.now()
    const status = await shop.checkout(orderId).then(
      (answer) => answer.status,
      () => undefined,
    )
    this.#answers.push({ orderId, status, startedAt, endedAt: systemClock.now() })
    return status !== undefined
  }
}
