/**
 * Virtual time: a heap of events, run one at a time in one thread.
 *
 * Promise: the same seed gives the same history. Between two events every promise callback has run:
 * `process.nextTick` from inside a microtask is called when the microtask queue is empty. Nothing
 * here looks at real time or real chance.
 *
 * An event may belong to a life, one incarnation of a process: it is dropped when that life has
 * ended and waits while it is paused, so a zombie wakes to everything that it missed at once.
 * Next: process.ts (clocks and crashes), storage.ts, bus.ts.
 */
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import { Heap, type Timed } from './heap.ts'

/** One incarnation of a process. */
export interface Life {
  isAlive: boolean
  pausedUntil: number
}

interface Event extends Timed {
  run: () => void
  readonly life: Life | undefined
  isCancelled: boolean
}

const cancelling = (event: Event): Scheduled => ({
  cancel() {
    event.isCancelled = true
  },
})

export interface Scheduled {
  cancel(): void
}

export class World {
  now = 0
  /** Delays and interleavings; what the seed draws beforehand comes from streams of its own. */
  readonly random: Random
  /** Set by every port that is used: something may wait in a microtask. */
  isStirred = false
  events = 0
  readonly #heap = new Heap<Event>()
  #order = 0

  constructor(seed: number) {
    this.random = seededRandom(seed)
  }

  /** Runs `run` after `ms`, unless `life` ends before; not while it is paused. */
  after(ms: number, run: () => void, life?: Life): Scheduled {
    const event: Event = {
      at: this.now + ms,
      order: this.#order++,
      run,
      life,
      isCancelled: false,
    }
    this.#heap.push(event)
    return cancelling(event)
  }

  every(ms: number, run: () => void, life?: Life): Scheduled {
    const event: Event = {
      at: this.now + ms,
      order: this.#order++,
      life,
      isCancelled: false,
      run: () => {
        run()
        event.at = this.now + ms
        event.order = this.#order++
        if (!event.isCancelled) this.#heap.push(event)
      },
    }
    this.#heap.push(event)
    return cancelling(event)
  }

  /** Uniform in [least, most). */
  between(least: number, most: number): number {
    return least + this.random.next() * (most - least)
  }

  /** Runs events until `isOver` says so before one of them, or none is left. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        try {
          do {
            this.isStirred = false
            if (isOver() || !this.#step()) return resolve()
          } while (!this.isStirred)
        } catch (error) {
          return reject(error)
        }
        queueMicrotask(afterMicrotasks)
      }
      const afterMicrotasks = () => process.nextTick(turn)
      // Not at once: who is called by the event loop itself, no promise, ticks before microtasks.
      queueMicrotask(afterMicrotasks)
    })
  }

  /** Runs for `ms` of virtual time. */
  runFor(ms: number): Promise<void> {
    const end = this.now + ms
    return this.run(() => {
      const next = this.#heap.peek()
      if (next !== undefined && next.at <= end) return false
      this.now = end
      return true
    })
  }

  #step(): boolean {
    const event = this.#heap.pop()
    if (event === undefined) return false
    if (event.isCancelled) return true
    const { life } = event
    if (life !== undefined) {
      if (!life.isAlive) return true
      if (life.pausedUntil > event.at) {
        event.at = life.pausedUntil
        this.#heap.push(event)
        return true
      }
    }
    if (event.at > this.now) this.now = event.at
    this.events++
    event.run()
    return true
  }
}
