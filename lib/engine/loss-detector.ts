/**
 * Which unanswered commands are taken for lost, and sent again. A participant partition obeys in
 * the order of sending, so what it has not answered while it answered something later is lost, or
 * its answer is. What is later than everything it has answered may be waiting there still, and
 * sending it again would make a slow participant slower: a metastable failure (Bronson et al.,
 * HotOS 2021). Of those one at a time goes, as a probe, whose answer then tells of all that were
 * sent before it. As RACK and its tail loss probe do for TCP (RFC 8985). Replies repeat the number
 * of the sending that they answer: that of the first copy of a command tells less than that of the
 * last (Karn's ambiguity).
 *
 * Promise: none waits for ever. The probe is what was sent least often, of those the latest.
 */
import type { Reply, ServiceName } from '../../protocol/messages.ts'
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

type Answered = Pick<Reply, 'service' | 'partition' | 'sent'>

interface Destination {
  /** The highest number that it has answered. */
  answered: number
  probeAt: number
}

export class LossDetector {
  readonly #destinations: Record<ServiceName, Destination[]> = { order: [], stock: [], payment: [] }
  #sent = 0

  /** The number of what is being sent; each is higher than those before. */
  next(): number {
    return ++this.#sent
  }

  /** A participant partition has answered these; the number may be that of a former owner. */
  hear({ service, partition, sent }: Answered, { sentFirst, sentLast }: Sent): void {
    const destination = this.#at(service, partition)
    const number = sent === sentLast ? sentLast : sentFirst
    if (number > destination.answered) destination.answered = number
  }

  /** What to send again now, of all whose pause is over. */
  choose<T extends Sent>(
    due: readonly T[],
    now: number,
    pending: (sent: T) => readonly Order[],
  ): ReadonlyMap<T, readonly Order[]> {
    const chosen = new Map<T, Order[]>()
    const probes = new Map<Destination, { sent: T; order: Order }>()
    for (const sent of due.toSorted((a, b) => a.resendAt - b.resendAt)) {
      if (chosen.size >= mostAtOnce) break
      sent.resendAt = now + lookAgainMs
      for (const order of pending(sent)) {
        const destination = this.#at(order.branch.service, order.branch.partition)
        if (sent.sentLast < destination.answered) add(chosen, sent, order)
        else if (now >= destination.probeAt && isBefore(sent, probes.get(destination)?.sent)) {
          probes.set(destination, { sent, order })
        }
      }
    }
    for (const [destination, { sent, order }] of probes) {
      destination.probeAt = now + probeEveryMs
      add(chosen, sent, order)
    }
    return chosen
  }

  #at(service: ServiceName, partition: number): Destination {
    this.#destinations[service][partition] ??= { answered: 0, probeAt: 0 }
    return this.#destinations[service][partition]
  }
}

/** Whether `one` is the better probe. */
function isBefore(one: Sent, other: Sent | undefined): boolean {
  if (other === undefined) return true
  if (one.resendPauseMs !== other.resendPauseMs) return one.resendPauseMs < other.resendPauseMs
  return one.sentFirst > other.sentFirst
}

function add<T>(chosen: Map<T, Order[]>, sent: T, order: Order): void {
  const orders = chosen.get(sent)
  if (orders === undefined) chosen.set(sent, [order])
  else orders.push(order)
}
