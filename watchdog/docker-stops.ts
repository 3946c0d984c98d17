/**
 * Follows the engine's events: which containers were told to end in order and not started since,
 * and that something has changed. Events are a hint, not the truth: a watcher looks by itself too,
 * and where the stream breaks it is opened again from before the break (the engine keeps some).
 */
import type Docker from 'dockerode'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Log } from '../lib/runtime/log.ts'

export interface Stops {
  /** Whether what happened before it was made has been heard. */
  readonly knowsPast: boolean
  /** Whether this container was told to end, and was not started since. */
  isStopped(id: string): boolean
  onChange(run: () => void): void
  close(): Promise<void>
}

export interface FollowOptions {
  readonly labels: readonly string[]
  readonly clock: Clock
  readonly log: Log
}

/** What a person or Compose ends a container with: SIGHUP, SIGINT, SIGQUIT, SIGTERM. */
const orderly: ReadonlySet<string> = new Set(['1', '2', '3', '15'])
const followed = ['kill', 'die', 'start', 'destroy', 'pause', 'unpause', 'health_status'] as const
/** How far back the first stream begins: what was stopped before a watcher came stays stopped. */
const rememberedSeconds = 86_400
const reopenMs = 1_000
/** An event is a few hundred bytes; a longer line is not one. */
const longestLine = 1_000_000

interface Event {
  readonly Action?: string
  readonly Actor?: { readonly ID?: string; readonly Attributes?: Record<string, string> }
  readonly time?: number
}

export function followStops(docker: Docker, { labels, clock, log }: FollowOptions): Stops {
  const stopped = new Set<string>()
  let since = Math.floor(clock.wallTime() / 1_000) - rememberedSeconds
  let stream: NodeJS.ReadableStream | undefined
  let isClosed = false
  let knowsPast = false
  let changed = () => {}

  function take(event: Event): void {
    const id = event.Actor?.ID
    if (id === undefined) return
    if (event.time !== undefined) since = event.time
    const isOrder = orderly.has(event.Actor?.Attributes?.signal ?? '')
    if (event.Action === 'kill' && isOrder) stopped.add(id)
    if (event.Action === 'start' || event.Action === 'destroy') stopped.delete(id)
    changed()
  }

  async function read(until: number | undefined): Promise<void> {
    const filters = { type: ['container' as const], label: [...labels], event: [...followed] }
    const bounds = until === undefined ? { since } : { since, until }
    const opened = await docker.getEvents({ ...bounds, filters })
    stream = opened
    if (isClosed) end(opened)
    let rest = ''
    opened.on('data', (bytes: Buffer) => {
      const lines = (rest + bytes.toString('utf8')).split('\n')
      rest = lines.pop()!.slice(0, longestLine)
      for (const line of lines) if (line.trim() !== '') take(parse(line))
    })
    const ended = new Promise<void>((resolve) => opened.once('close', resolve))
    opened.on('error', () => {})
    await ended
  }

  async function follow(): Promise<void> {
    while (!isClosed) {
      try {
        if (!knowsPast) await read(Math.ceil(clock.wallTime() / 1_000))
        knowsPast = true
        await read(undefined)
      } catch (error) {
        log.debug('No events of the Docker engine', { error })
      }
      if (!isClosed) await clock.sleep(reopenMs)
    }
  }

  void follow()
  return {
    get knowsPast() {
      return knowsPast
    },
    isStopped: (id) => stopped.has(id),
    onChange(run) {
      changed = run
    },
    async close() {
      isClosed = true
      if (stream !== undefined) end(stream)
    },
  }
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
