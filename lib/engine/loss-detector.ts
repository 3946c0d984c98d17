/**
 * Which unanswered commands are taken for lost, and sent again. A participant partition obeys in
 * the order of sending, so what it has not answered while it answered something later is lost, or
 * its answer is. What is later than everything it has answered may be waiting there still, and
 * sending it again would make a slow participant slower: a metastable failure (Bronson et al.,
 * HotOS 2021). Of those one at a time goes, as a probe, whose answer then tells of all that were
 * sent before it. As RACK and its tail loss probe do for TCP (RFC 8985). Of what was probed itself
 * it tells nothing: the answer may be that to the first sending. So after an answer to something
 * that was sent again several more go at once, and again after theirs: what was probed while a
 * participant was away ends soon after its return.
 *
 * Promise: none waits for ever. The probe is what was sent least often, of those the latest.
 */
import type { Branch, ServiceName } from '../../protocol/messages.ts'
import type { Order } from '../../protocol/protocol.ts'

/** Something that was sent, to one destination or several. */
export interface Sent {
  /** Number of the sending, the first of these commands and the last. */
  sentFirst: number
  sentLast: number
  resendAt: number
  resendPauseMs: number
}

/** Most that count as lost in one tick, longest due first; probes come on top. */
const mostAtOnce = 64
/** Before what is due and not sent is looked at again. */
const lookAgainMs = 100
/** Between two probes of one destination: little for a slow one, and soon after one's return. */
const probeEveryMs = 200
/** Probes of one tick to a destination that has answered one: little for a slow one, too. */
const mostProbes = 16

interface Probe<T> {
  readonly sent: T
  readonly order: Order
}

interface Destination {
  /** The highest number that it has answered. */
  answered: number
  probeAt: number
  /** Whether it has answered something that was sent again, since the last probe. */
  hasAnswered: boolean
}

export class LossDetector {
  readonly #destinations: Record<ServiceName, Destination[]> = { order: [], stock: [], payment: [] }
  #sent = 0

  /** The number of what is being sent; each is higher than those before. */
  next(): number {
    return ++this.#sent
  }

  /** A participant partition has answered one of these commands. */
  hear({ service, partition }: Pick<Branch, 'service' | 'partition'>, sent: Sent): void {
    const destination = this.#at(service, partition)
    if (sent.sentFirst > destination.answered) destination.answered = sent.sentFirst
    if (sent.sentLast > sent.sentFirst) destination.hasAnswered = true
  }

  /** What to send again now, of all whose pause is over. */
  choose<T extends Sent>(
    due: readonly T[],
    now: number,
    pending: (sent: T) => readonly Order[],
  ): ReadonlyMap<T, readonly Order[]> {
    const chosen = new Map<T, Order[]>()
    const probes = new Map<Destination, Probe<T>[]>()
    for (const sent of due.toSorted((a, b) => a.resendAt - b.resendAt)) {
      if (chosen.size >= mostAtOnce) break
      sent.resendAt = now + lookAgainMs
      for (const order of pending(sent)) {
        const destination = this.#at(order.branch.service, order.branch.partition)
        if (sent.sentLast < destination.answered) add(chosen, sent, order)
        else if (now >= destination.probeAt || destination.hasAnswered) {
          const others = probes.get(destination) ?? []
          const most = destination.hasAnswered ? mostProbes : 1
          probes.set(destination, best([...others, { sent, order }], most))
        }
      }
    }
    for (const [destination, some] of probes) {
      destination.probeAt = now + probeEveryMs
      destination.hasAnswered = false
      for (const { sent, order } of some) add(chosen, sent, order)
    }
    return chosen
  }

  #at(service: ServiceName, partition: number): Destination {
    this.#destinations[service][partition] ??= { answered: 0, probeAt: 0, hasAnswered: false }
    return this.#destinations[service][partition]
  }
}

/** Those that were sent least often, and of these the latest. */
function best<T extends Sent>(probes: readonly Probe<T>[], most: number): Probe<T>[] {
  const order = (one: Sent, other: Sent) =>
    one.resendPauseMs - other.resendPauseMs || other.sentFirst - one.sentFirst
  return probes.toSorted((a, b) => order(a.sent, b.sent)).slice(0, most)
}

function add<T>(chosen: Map<T, Order[]>, sent: T, order: Order): void {
  const orders = chosen.get(sent)
  if (orders === undefined) chosen.set(sent, [order])
  else orders.push(order)
}
