/**
 * One watcher: looks, asks, judges (verdict.ts) and restarts (driver.ts), with a log line and a
 * count for every action. It keeps nothing on disk: what it does not know it sees again.
 *
 * Several watchers may watch the same processes, and each other. They do not fight: a driver
 * restarts only the run that was judged, so one of them acts and the others see a new run, to which
 * they give its grace.
 */
import type { Clock, Timer } from '../lib/runtime/clock.ts'
import type { Log } from '../lib/runtime/log.ts'
import type { Random } from '../lib/runtime/random.ts'
import type { Driver, Found } from './driver.ts'
import type { ProbeResult } from './probe.ts'
import { type Cause, judge, type Limits, type Sight, type Watch } from './verdict.ts'
import type { WatchCounters } from './watch-counters.ts'

export interface WatchdogOptions {
  readonly driver: Driver
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly limits: Limits
  readonly lookEveryMs: number
  readonly probeEveryMs: number
  readonly counters: WatchCounters
}

interface Watched {
  watch: Watch | undefined
  found: Found
  detail: string
  askAt: number
  isAsked: boolean
  isRestarted: boolean
}

export class Watchdog {
  readonly #options: WatchdogOptions
  readonly #watched = new Map<string, Watched>()
  #timer: Timer | undefined
  #looking: Promise<void> | undefined
  #blindSince: number | undefined

  constructor(options: WatchdogOptions) {
    this.#options = options
  }

  start(): void {
    const { clock, driver, lookEveryMs } = this.#options
    const everyMs = Math.max(lookEveryMs, driver.fewestMsBetweenLooks)
    this.#timer = clock.every(everyMs, () => this.#look())
    driver.onChange?.(() => this.#look())
    this.#look()
  }

  /** No restart begins after it; one that is under way ends. */
  async stop(): Promise<void> {
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#looking
    await this.#options.driver.close()
  }

  #look(): void {
    if (this.#looking !== undefined || this.#timer === undefined) return
    this.#looking = this.#lookOnce().finally(() => {
      this.#looking = undefined
    })
  }

  async #lookOnce(): Promise<void> {
    const { driver, clock, log } = this.#options
    let all: readonly Found[]
    try {
      all = await driver.look()
    } catch (error) {
      if (this.#blindSince === undefined) log.error('Cannot see what there is to watch', { error })
      this.#blindSince ??= clock.now()
      return
    }
    if (this.#blindSince !== undefined) log.info('Sees what there is to watch again')
    this.#blindSince = undefined
    const names = new Set(all.map(({ name }) => name))
    for (const name of this.#watched.keys()) if (!names.has(name)) this.#forget(name)
    for (const found of all) this.#see(found)
  }

  #forget(name: string): void {
    this.#watched.delete(name)
    this.#options.counters.forget(name)
  }

  #see(found: Found): void {
    const { clock, log, counters } = this.#options
    let watched = this.#watched.get(found.name)
    if (watched === undefined) {
      watched = { ...unseen, found }
      this.#watched.set(found.name, watched)
      log.info('Watching', { name: found.name, kind: found.kind })
    }
    watched.found = found
    this.#judge(watched, undefined)
    if (!found.isAlive) counters.saw(found, 'unwell')
    else if (!watched.isAsked && clock.now() >= watched.askAt) void this.#ask(watched, found)
  }

  async #ask(watched: Watched, found: Found): Promise<void> {
    const { driver, clock, counters, log, probeEveryMs } = this.#options
    const askedAt = clock.now()
    watched.isAsked = true
    watched.askAt = askedAt + probeEveryMs
    const { health, detail } = await driver.ask(found).catch(
      // The driver itself could not ask: that says nothing of the process.
      (error: unknown): ProbeResult => ({ health: 'refused', detail: String(error) }),
    )
    watched.isAsked = false
    if (watched.found.identity !== found.identity || !watched.found.isAlive) return
    if (watched.detail !== detail) log.info('Health', { name: found.name, health, detail })
    watched.detail = detail
    counters.saw(found, health)
    this.#judge(watched, { health, askedAt })
  }

  #judge(watched: Watched, probe: Sight['probe']): void {
    if (watched.isRestarted || this.#timer === undefined) return
    const { clock, random, limits } = this.#options
    const sight = { ...watched.found, probe }
    const { watch, cause } = judge(watched.watch, sight, clock.now(), limits, random.next())
    watched.watch = watch
    if (cause !== undefined) void this.#restart(watched, cause)
  }

  async #restart(watched: Watched, cause: Cause): Promise<void> {
    const { driver, clock, log, counters } = this.#options
    const { found } = watched
    const detail = cause === 'ended' ? 'has ended' : watched.detail
    const { name, kind, identity } = found
    const failures = watched.watch?.failures
    log.warn('Restarting', { name, kind, cause, detail, run: identity, failures })
    watched.isRestarted = true
    const startedAt = clock.now()
    try {
      const isDone = await driver.restart(found)
      if (isDone) counters.restarted(found, cause)
      const ms = Math.round(clock.now() - startedAt)
      log.warn(isDone ? 'Restarted' : 'Restarted by another, or not wanted any more', { name, ms })
    } catch (error) {
      counters.failed()
      log.error('Not restarted', { name, kind, cause, error })
    } finally {
      watched.isRestarted = false
      watched.askAt = 0
    }
  }
}

const unseen = { watch: undefined, detail: '', askAt: 0, isAsked: false, isRestarted: false }
