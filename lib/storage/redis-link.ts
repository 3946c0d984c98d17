/**
 * Keeps one connection to a Redis server: when it ends, another is made, with a growing pause as
 * long as none of them lasts.
 *
 * Promise: `connection` is one that has been greeted (what is stored there is ours) or undefined;
 * while there is none, `why` says so for people. Next: redis-lane.ts, which sends on it.
 */
import type { Clock } from '../runtime/clock.ts'
import type { ShopError } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import {
  connectRedis,
  type RedisConnection,
  type RedisCounts,
  type RedisSentinels,
  type RedisSettings,
  type RedisTarget,
} from './redis-client.ts'
import { misconfigured } from './redis-errors.ts'

/** Pauses between two tries to connect: the first, doubled up to the longest. */
const firstPauseMs = 20
const longestPauseMs = 500
/** A connection that lasted for so long was of use: the next one is made at once. */
const steadyMs = 1_000
/** How often people are told that there is still no connection, or that one was lost again. */
const remindEveryMs = 10_000

export interface RedisLinkOptions {
  /** Where to connect to, looked up before each try. */
  target(): Promise<RedisTarget | RedisSentinels>
  readonly settings: RedisSettings
  readonly counts: RedisCounts
  /** What it is called in sentences. */
  readonly server: string
  readonly clock: Clock
  readonly log: Log
  /** Looks at a new connection before anyone may use it; throws where it is of no use. */
  greet(connection: RedisConnection): Promise<void>
  onReady(): void
}

export class RedisLink {
  readonly #options: RedisLinkOptions
  #connection: RedisConnection | undefined
  #why = 'not connected yet'
  /** What `greet` threw last: waiting does not heal it. */
  #misfit: ShopError | undefined
  #isClosed = false
  #told = Number.NEGATIVE_INFINITY
  #toldOfLoss = Number.NEGATIVE_INFINITY

  constructor(options: RedisLinkOptions) {
    this.#options = options
  }

  get connection(): RedisConnection | undefined {
    return this.#connection
  }

  get why(): string {
    return this.#why
  }

  get misfit(): ShopError | undefined {
    return this.#misfit
  }

  /** Connects, and goes on doing so until `close`. */
  async run(): Promise<void> {
    const { clock } = this.#options
    for (let pauseMs = firstPauseMs; !this.#isClosed; ) {
      const connection = await this.#connect()
      if (connection === undefined) {
        await clock.sleep(pauseMs)
        pauseMs = Math.min(pauseMs * 2, longestPauseMs)
        continue
      }
      const since = clock.now()
      this.#why = await connection.ended
      this.#connection = undefined
      if (this.#isClosed) return
      this.#lost(connection)
      if (clock.now() - since >= steadyMs) {
        pauseMs = firstPauseMs
        continue
      }
      await clock.sleep(pauseMs)
      pauseMs = Math.min(pauseMs * 2, longestPauseMs)
    }
  }

  /** `connection` is of no use, `why` is for people; another one is made. */
  leave(connection: RedisConnection, why: string): void {
    connection.end(why)
    if (this.#connection !== connection) return
    this.#connection = undefined
    this.#why = why
  }

  close(): void {
    this.#isClosed = true
    this.#connection?.end()
  }

  async #connect(): Promise<RedisConnection | undefined> {
    const { target, greet, onReady } = this.#options
    let connection: RedisConnection | undefined
    try {
      connection = await this.#reach(await target())
      await greet(connection)
      if (this.#isClosed) throw new Error('closed')
      this.#connection = connection
      this.#misfit = undefined
      onReady()
      return connection
    } catch (error) {
      connection?.end()
      this.#failed(error as Error)
      return undefined
    }
  }

  /** A refusal of this user heals only when a person changes something. */
  async #reach(where: RedisTarget | RedisSentinels): Promise<RedisConnection> {
    const { settings, counts, server } = this.#options
    try {
      return await connectRedis(where, settings, counts)
    } catch (error) {
      throw misconfigured(server, (error as Error).message) ?? error
    }
  }

  #lost({ address: server }: RedisConnection): void {
    const { clock, log } = this.#options
    const now = clock.now()
    if (now - this.#toldOfLoss < remindEveryMs) return
    this.#toldOfLoss = now
    log.warn('connection to Redis lost', { server, why: this.#why })
  }

  #failed(error: Error): void {
    const { clock, log } = this.#options
    this.#why = error.message
    this.#misfit = error.name === 'ShopError' ? (error as ShopError) : undefined
    const now = clock.now()
    if (this.#isClosed || now - this.#told < remindEveryMs) return
    this.#told = now
    log.warn('no connection to Redis', { why: this.#why })
  }
}
