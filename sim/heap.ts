/** A binary heap of timed events; equal times leave in the order in which they came. */

export interface Timed {
  at: number
  /** Breaks ties; rises with every push. */
  order: number
}

const isBefore = (a: Timed, b: Timed): boolean =>
  a.at < b.at || (a.at === b.at && a.order < b.order)

export class Heap<E extends Timed> {
  readonly #events: E[] = []

  get size(): number {
    return this.#events.length
  }

  peek(): E | undefined {
    return this.#events[0]
  }

  push(event: E): void {
    const events = this.#events
    let index = events.length
    while (index > 0) {
      const above = (index - 1) >> 1
      const parent = events[above]!
      if (!isBefore(event, parent)) break
      events[index] = parent
      index = above
    }
    events[index] = event
  }

  pop(): E | undefined {
    const events = this.#events
    const first = events[0]
    const last = events.pop()
    if (first === undefined || last === undefined || events.length === 0) return first
    let index = 0
    for (;;) {
      let below = 2 * index + 1
      if (below >= events.length) break
      if (below + 1 < events.length && isBefore(events[below + 1]!, events[below]!)) below++
      if (!isBefore(events[below]!, last)) break
      events[index] = events[below]!
      index = below
    }
    events[index] = last
    return first
  }
}
