/**
 * One checkout, from the order to the answer: read the order, merge its lines into branches, let a
 * coordinator run them, and tell the outcome.
 *
 * What stands in the way only for a moment (others' holds, another checkout of the order, a change
 * of it) is tried again as a new transaction, within the deadline. A 4xx is given only when nothing
 * of this request will ever happen; when that is not known in time the answer is 503.
 * Next: lib/engine/coordinator-partition.ts.
 */
import type { Coordinator } from '../lib/engine/coordinator.ts'
import type { Idempotency } from '../lib/engine/idempotency.ts'
import { patiently } from '../lib/engine/patience.ts'
import type { ServicePorts } from '../lib/engine/service.ts'
import { afterTheStart, ShopError } from '../lib/runtime/errors.ts'
import type { Metric } from '../lib/runtime/metric.ts'
import { partitionOf } from '../lib/runtime/partition.ts'
import {
  type Crowd,
  problem,
  type ShopAnswer,
  type ShopRequest,
  text,
} from '../lib/runtime/route.ts'
import type { Branch, Checkout, Entry, Reason, TransactionId } from '../protocol/messages.ts'
import { Admission } from './admission.ts'
import { CheckoutCounters } from './checkout-counters.ts'
import { type OrderRecord, paidForNothing } from './order.ts'
import { type Orders, unknownOrder } from './orders.ts'

/** Reasons that another transaction gives, not this order: worth another try. */
const passing: ReadonlySet<Reason> = new Set([
  'busy',
  'already_paid',
  'order_changed',
  'in_checkout',
  'ended',
])

export interface CheckoutsPorts extends ServicePorts {
  readonly idempotency: Idempotency
  readonly orders: Orders
  readonly coordinator: Coordinator
}

export class Checkouts {
  readonly #ports: CheckoutsPorts
  readonly #counters: CheckoutCounters
  readonly #admission: Admission

  constructor(ports: CheckoutsPorts) {
    this.#ports = ports
    this.#counters = new CheckoutCounters(ports.config)
    this.#admission = new Admission(ports)
  }

  /** More than may be in flight are refused before anything is done for them. */
  get crowd(): Crowd {
    return {
      most: this.#ports.config.maxInFlightCheckouts,
      answer: overloaded,
      onTurnedAway: (count) => this.#counters.turnedAway(count),
    }
  }

  get metrics(): readonly Metric[] {
    return this.#counters.metrics(() => this.#admission.inFlight)
  }

  async checkout(request: ShopRequest, id: string): Promise<ShopAnswer> {
    const { clock, spans, idempotency } = this.#ports
    const startedAt = clock.now()
    const attempts: TransactionId[] = []
    const run = () => this.#run(id, startedAt, attempts)
    try {
      const admitted = await this.#admission.run(() => idempotency.around(request, run))
      const answer = admitted ?? overloaded
      this.#counters.answered(answer, clock.now() - startedAt)
      return answer
    } catch (error) {
      this.#counters.failed(error, clock.now() - startedAt)
      throw error
    } finally {
      const transaction = attempts.at(-1)
      if (transaction !== undefined) {
        spans?.add({
          ...{ transaction, name: 'checkout', part: 'checkout' },
          ...{ from: startedAt, to: clock.now() },
          attributes: { 'till.order': id, 'till.attempts': String(attempts.length) },
        })
      }
    }
  }

  /** Adds the transactions whose outcomes it heard to `attempts`. */
  async #run(id: string, startedAt: number, attempts: TransactionId[]): Promise<ShopAnswer> {
    let last: Reason | undefined
    const { clock, config } = this.#ports
    // The wait for its turn counts; it is tried once at least.
    const leftMs = startedAt + config.checkoutDeadlineMs - clock.now()
    try {
      const answer = await patiently(this.#ports, leftMs, async () => {
        const result = await this.#attempt(id, attempts)
        if (typeof result === 'object') return result
        last = result
        this.#counters.retried(result)
        return undefined
      })
      return answer ?? (await this.#giveUp(id, last ?? 'busy'))
    } catch (error) {
      const isBegun = last !== undefined || attempts.length > 0
      throw isBegun ? afterTheStart(error) : error
    }
  }

  /** One transaction; a reason where it ended only because of others. */
  async #attempt(id: string, attempts: TransactionId[]): Promise<ShopAnswer | Reason> {
    const { orders, coordinator } = this.#ports
    const order = await orders.read(id)
    if (order === undefined) return unknownOrder(id)
    if (order.paid !== undefined) return this.#paid(id, order, order.paid)
    if (order.lines.length === 0) {
      await orders.payForNothing(id, paidForNothing)
      return 'order_changed'
    }
    const outcome = await coordinator.run(this.#branches(id, order))
    attempts.push(outcome.transaction)
    if (outcome.kind === 'committed') return paid(id)
    if (passing.has(outcome.reason)) return outcome.reason
    const isClosed = await orders.closeVersion(id, order.version)
    return isClosed ? refused(id, outcome.reason) : 'ended'
  }

  /**
   * Paid before: the answer is the same, and so is its promise that the participants have applied
   * it.
   */
  async #paid(id: string, order: OrderRecord, paidBy: string): Promise<ShopAnswer> {
    const { coordinator, config } = this.#ports
    if (paidBy === paidForNothing) return paid(id)
    const checkout = { ...this.#branches(id, order), paidBy }
    await patiently(this.#ports, config.answerWaitMs, () =>
      coordinator.run(checkout).catch(() => undefined),
    )
    return paid(id)
  }

  /**
   * Others were in the way to the end: refused only if nothing of this request can happen any more.
   */
  async #giveUp(id: string, reason: Reason): Promise<ShopAnswer> {
    const { orders } = this.#ports
    const order = await orders.read(id)
    if (order === undefined) return unknownOrder(id)
    if (order.paid !== undefined) return this.#paid(id, order, order.paid)
    if (await orders.closeVersion(id, order.version)) return refused(id, reason)
    throw new ShopError(
      'not_known_yet',
      'Another checkout of this order is still under way; repeat the request or look at the order.',
    )
  }

  /** All items of one stock partition travel as one branch. */
  #branches(id: string, order: OrderRecord): Checkout {
    const { partitions } = this.#ports.storage
    const stock = new Map<number, Entry[]>()
    for (const { itemId, quantity } of order.lines) {
      const partition = partitionOf(itemId, partitions)
      const entries = stock.get(partition) ?? []
      entries.push({ id: itemId, amount: quantity })
      stock.set(partition, entries)
    }
    const branches: Branch[] = [
      {
        service: 'order',
        partition: partitionOf(id, partitions),
        entries: [{ id, amount: order.version }],
      },
    ]
    for (const [partition, entries] of stock)
      branches.push({ service: 'stock', partition, entries })
    branches.push({
      service: 'payment',
      partition: partitionOf(order.userId, partitions),
      entries: [{ id: order.userId, amount: order.total }],
    })
    return { orderId: id, branches }
  }
}

const paid = (id: string) => text(`Order ${id} is paid`)

const overloaded = problem('overloaded', 'Too many checkouts at once; try again in a second.')

/** What a refusal says to people; codes not listed here speak for themselves. */
const sentences: Readonly<Partial<Record<Reason, string>>> = {
  insufficient_stock: 'there are not enough units in stock',
  insufficient_credit: 'the user has not enough credit',
  unknown_item: 'an item does not exist',
  unknown_user: 'the user does not exist',
  busy: 'other checkouts held what it needs until the deadline; try again',
  in_checkout: 'another checkout of it is still under way; try again',
  overloaded: 'too many checkouts wait for a service; try again in a second',
  timed_out: 'a service did not answer before the deadline; try again',
}

function refused(id: string, reason: Reason): ShopAnswer {
  return problem(reason, `Order ${id} is not paid: ${sentences[reason] ?? reason}.`)
}
