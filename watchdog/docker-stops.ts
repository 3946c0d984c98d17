/**
 * Follows the engine's events: which runs of containers were told to end in order, and that
 * something has changed. Events are a hint, not the truth: a watcher looks by itself too.
 *
 * The engine keeps its last 256 events of everything, and each health check makes three, so what
 * happened before a watcher came, or while its stream was broken, may be overwritten (within half a
 * minute, with the compose files). Where it may be, a container that ended before the watcher heard
 * anything is judged by its exit code: `docker stop` that met no resistance leaves 0, or 128 and
 * the signal. A stop that became SIGKILL, whose word is lost, looks like a kill, and is taken for
 * one. An engine that has just started has lost nothing: what it ended itself is no order.
 */
import type Docker from 'dockerode'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Log } from '../lib/runtime/log.ts'

/** What the engine says of the newest run of a container; times in ms of its clock. */
export interface Run {
  readonly id: string
  readonly startedAt: number
  /** Undefined while it runs. */
  readonly ended: { readonly at: number; readonly exitCode: number } | undefined
}

export interface Stops {
  /** Whether it listens, and has heard what the engine still knows of before. */
  readonly knowsPast: boolean
  /** Whether this run was told to end: it is not wanted any more. */
  isStopped(run: Run): boolean
  onChange(run: () => void): void
  close(): Promise<void>
}

export interface FollowOptions {
  readonly labels: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** What a person or Compose ends a container with: SIGHUP, SIGINT, SIGQUIT, SIGTERM. */
const orderly = [1, 2, 3, 15]
const orderlySignals: ReadonlySet<string> = new Set(orderly.map(String))
/** Of a process that ended in its own time, and of one that left its end to the signal. */
const orderlyExits: ReadonlySet<number> = new Set([0, ...orderly.map((signal) => 128 + signal)])
const followed = ['kill', 'die', 'start', 'destroy', 'pause', 'unpause', 'health_status'] as const
/** Of moby, daemon/events: with fewer than these it has forgotten nothing since it started. */
const keptByEngine = 256
/** Seconds; older than any event. */
const fromTheBeginning = 1
const reopenMs = 1_000
/** An event is a few hundred bytes; a longer line is not one. */
const longestLine = 1_000_000

interface Event {
  readonly Action?: string
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Record<string, string> }
  /** Seconds. */
  readonly time?: number
  readonly timeNano?: number
}

/** What was heard of orders to end, and what may have been missed of them. */
class Orders {
  /** When each container was last told to end. */
  readonly #given = new Map<string, number>()
  /** Of the newest event. */
  #heardUntil = Number.NEGATIVE_INFINITY
  /** Of before, an order may be unknown. */
  #deafUntil = Number.NEGATIVE_INFINITY

  hear(event: Event): void {
    const id = event.Actor?.ID
    const at = timeOf(event)
    if (id === undefined || at === undefined) return
    this.#heardUntil = Math.max(this.#heardUntil, at)
    const isOrder = orderlySignals.has(event.Actor?.Attributes?.signal ?? '')
    if (event.Action === 'kill' && isOrder) this.#given.set(id, at)
    if (event.Action === 'start' || event.Action === 'destroy') this.#given.delete(id)
  }

  /** Everything that the engine has kept, whatever it is about: else it shows not what is lost. */
  hearAll(kept: readonly Event[]): void {
    const oldest = Math.min(...kept.flatMap((event) => timeOf(event) ?? []))
    const isGap = kept.length >= keptByEngine && oldest > this.#heardUntil
    for (const event of kept) this.hear(event)
    if (isGap) this.#deafUntil = this.#heardUntil
  }

  /** Seconds: no event that was not heard is older. */
  get since(): number {
    return Math.max(fromTheBeginning, Math.floor(this.#heardUntil / 1_000))
  }

  isStopped({ id, startedAt, ended }: Run): boolean {
    const orderedAt = this.#given.get(id) ?? Number.NEGATIVE_INFINITY
    if (orderedAt >= startedAt) return true
    return ended !== undefined && ended.at <= this.#deafUntil && orderlyExits.has(ended.exitCode)
  }
}

export function followStops(docker: Docker, { labels, clock, log }: FollowOptions): Stops {
  const orders = new Orders()
  let stream: NodeJS.ReadableStream | undefined
  let isClosed = false
  let knowsPast = false
  let changed = () => {}

  async function read(query: Docker.GetEventsOptions, hear: (event: Event) => void): Promise<void> {
    const opened = await docker.getEvents(query)
    stream = opened
    if (isClosed) end(opened)
    await listen(opened, hear)
  }

  async function readBoth(): Promise<void> {
    const kept: Event[] = []
    const until = Math.ceil(clock.wallTime() / 1_000)
    await read({ since: fromTheBeginning, until }, (event) => void kept.push(event))
    orders.hearAll(kept)
    knowsPast = true
    changed()
    const filters = { type: ['container' as const], label: [...labels], event: [...followed] }
    await read({ since: orders.since, filters }, (event) => {
      orders.hear(event)
      changed()
    })
  }

  async function follow(): Promise<void> {
    while (!isClosed) {
      await readBoth().catch((error) => log.debug('No events of the Docker engine', { error }))
      knowsPast = false
      if (!isClosed) await clock.sleep(reopenMs)
    }
  }

  void follow()
  return {
    get knowsPast() {
      return knowsPast
    },
    isStopped: (run) => orders.isStopped(run),
    onChange(run) {
      changed = run
    },
    async close() {
      isClosed = true
      if (stream !== undefined) end(stream)
    },
  }
}

/** Ms of the engine's clock. */
const timeOf = ({ time, timeNano }: Event): number | undefined => {
  if (timeNano !== undefined) return timeNano / 1e6
  return time === undefined ? undefined : time * 1_000
}

/** Resolves when the stream has ended, rejects when it broke. */
function listen(stream: NodeJS.ReadableStream, hear: (event: Event) => void): Promise<void> {
  let rest = ''
  stream.on('data', (bytes: Buffer) => {
    const lines = (rest + bytes.toString('utf8')).split('\n')
    rest = lines.pop()!.slice(0, longestLine)
    for (const line of lines) if (line.trim() !== '') hear(parse(line))
  })
  return new Promise((resolve, reject) => {
    stream.on('error', reject)
    stream.once('close', resolve)
  })
}

function parse(line: string): Event {
  try {
    return JSON.parse(line)
  } catch {
    return {}
  }
}

function end(stream: NodeJS.ReadableStream): void {
  if ('destroy' in stream && typeof stream.destroy === 'function') stream.destroy()
}
