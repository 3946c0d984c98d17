/**
 * The load itself: checkouts over a number of connections, as a closed loop (each connection asks
 * again when it was answered) or an open one (requests are planned in time; see arrivals.ts).
 *
 * Latency runs from the planned moment in an open loop, from sending in a closed one, to the last
 * byte of the answer. What belongs to the warm-up is thrown away; the load does not pause in
 * between.
 */
import type { Clock } from '../lib/runtime/clock.ts'
import { Connection } from './connection.ts'
import { Latency } from './latency.ts'

export interface LoadOptions {
  readonly origin: string
  readonly connections: number
  readonly clock: Clock
  /** The index of the next order; undefined when all are used. */
  next(): number | undefined
  pathOf(index: number): string
  readonly warmUpMs: number
  /** Undefined: until all orders are used. */
  readonly durationMs?: number | undefined
  /** Planned send times of an open loop, in ms from the start. */
  readonly arrivals?: Iterator<number> | undefined
  /**
   * Planned requests that may wait for a free connection; more are not sent, as customers do not
   * queue who cannot get in. No limit if undefined.
   */
  readonly mostLate?: number | undefined
  /** The warm-up is over: what is counted elsewhere begins to count. */
  onMeasuring(): void
  onAnswer(index: number, status: number): void
}

/** Answers by what they mean, and how late those of status 200 came. */
export class Tally {
  /** Status 200. */
  paid = 0
  /** 4xx. */
  refused = 0
  /** 503: shed, or not known yet. */
  unavailable = 0
  /** Any other answer, or none. */
  failed = 0
  /** Open loop: found no free connection and were not sent. */
  unsent = 0
  readonly latency = new Latency()
  /** Open loop: how much later than planned requests were sent. */
  readonly lag = new Latency()

  enter(status: number, latencyMs: number): void {
    if (status === 200) {
      this.paid++
      this.latency.record(latencyMs)
    } else if (status >= 400 && status < 500) this.refused++
    else if (status === 503) this.unavailable++
    else this.failed++
  }

  get answers(): number {
    return this.paid + this.refused + this.unavailable + this.failed
  }
}

export interface Measured {
  readonly tally: Tally
  /** From the end of the warm-up to the last answer. */
  readonly elapsedMs: number
}

/** Resolves when everything that was sent has been answered. */
export async function runLoad(options: LoadOptions): Promise<Measured> {
  const { connections, origin, clock } = options
  const pool = Array.from({ length: connections }, () => new Connection(origin))
  try {
    await openAll(pool)
    const window = new Window(options)
    await (options.arrivals === undefined
      ? closedLoop(pool, window, options)
      : openLoop(pool, window, options, options.arrivals))
    return { tally: window.tally, elapsedMs: clock.now() - window.measuredFrom }
  } finally {
    for (const connection of pool) connection.close()
  }
}

/**
 * Connections opened in one go. Thousands would overflow the kernel's queue of packets
 * (`net.core.netdev_max_backlog`), and what is dropped there is sent again after 1 s, 3 s, 7 s.
 */
const openedAtOnce = 200

async function openAll(pool: readonly Connection[]): Promise<void> {
  for (let from = 0; from < pool.length; from += openedAtOnce) {
    await Promise.all(pool.slice(from, from + openedAtOnce).map((each) => each.opened()))
  }
}

/** What is counted: the warm-up's tally is replaced at its end. */
class Window {
  readonly #onMeasuring: () => void
  readonly startedAt: number
  readonly measuredFrom: number
  readonly endsAt: number
  #isMeasuring = false
  tally = new Tally()

  constructor({ clock, warmUpMs, durationMs, onMeasuring }: LoadOptions) {
    this.#onMeasuring = onMeasuring
    this.startedAt = clock.now()
    this.measuredFrom = this.startedAt + warmUpMs
    this.endsAt = durationMs === undefined ? Infinity : this.measuredFrom + durationMs
  }

  look(now: number): void {
    if (this.#isMeasuring || now < this.measuredFrom) return
    this.#isMeasuring = true
    this.tally = new Tally()
    this.#onMeasuring()
  }
}

function closedLoop(
  pool: readonly Connection[],
  window: Window,
  { clock, next, pathOf, onAnswer }: LoadOptions,
): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let running = pool.length
  const proceed = (connection: Connection) => {
    const sentAt = clock.now()
    window.look(sentAt)
    const index = sentAt < window.endsAt ? next() : undefined
    if (index === undefined) {
      if (--running === 0) resolve()
      return
    }
    connection.send('POST', pathOf(index), (status) => {
      window.tally.enter(status, clock.now() - sentAt)
      onAnswer(index, status)
      proceed(connection)
    })
  }
  for (const connection of pool) proceed(connection)
  return promise
}

/** Timers of Node are no finer. */
const tickMs = 1

async function openLoop(
  pool: readonly Connection[],
  window: Window,
  { clock, next, pathOf, onAnswer, mostLate = Infinity }: LoadOptions,
  arrivals: Iterator<number>,
): Promise<void> {
  const free = [...pool]
  /** Planned moments of requests that found no free connection, oldest first. */
  const late: number[] = []
  let lateFrom = 0
  let planned = window.startedAt + arrivals.next().value
  let isOver = false
  const send = (connection: Connection, plannedAt: number) => {
    const index = next()
    if (index === undefined) {
      isOver = true
      free.push(connection)
      return
    }
    const counts = plannedAt >= window.measuredFrom
    if (counts) window.tally.lag.record(clock.now() - plannedAt)
    connection.send('POST', pathOf(index), (status) => {
      if (counts) window.tally.enter(status, clock.now() - plannedAt)
      onAnswer(index, status)
      if (lateFrom < late.length) send(connection, late[lateFrom++]!)
      else free.push(connection)
    })
  }
  while (!isOver || free.length < pool.length) {
    const now = clock.now()
    window.look(now)
    for (; !isOver && planned <= now; planned = window.startedAt + arrivals.next().value) {
      if (planned >= window.endsAt) isOver = true
      else if (free.length > 0) send(free.pop()!, planned)
      else if (late.length - lateFrom < mostLate) late.push(planned)
      else if (planned >= window.measuredFrom) window.tally.unsent++
    }
    await clock.sleep(tickMs)
  }
}
