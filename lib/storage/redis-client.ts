/**
 * One connection to one Redis server. The only file that imports ioredis.
 *
 * Promise: a command is sent once. The library's own queues, resending and reconnecting are off:
 * what was sent and not answered when the connection ends may have happened, and only who sent it
 * can tell what to do then. Next: redis-link.ts, which makes a new connection after each.
 */
import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { Command, Redis, type RedisOptions, ReplyError } from 'ioredis'

export interface RedisTarget {
  readonly host: string
  readonly port: number
}

export interface RedisSettings {
  readonly username: string
  readonly password: string
  readonly tls: boolean
  readonly tlsCa: string
  readonly sentinelPassword: string
  /** For people who look at the server's list of clients. */
  readonly name: string
  readonly connectWithinMs: number
}

/** Behind Sentinel: who knows the primary, and what they call it. */
export interface RedisSentinels {
  readonly sentinels: readonly RedisTarget[]
  readonly primary: string
}

/** A server's refusal takes the place of a reply. */
export class RedisRefusal {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** What was sent, over all connections of a service. */
export interface RedisCounts {
  commands: number
  bytes: number
}

export type RedisCommand = readonly [name: string, args: readonly string[]]

export interface RedisConnection {
  /** host:port that was connected to. */
  readonly address: string
  /**
   * In order, in one write. Rejects if the connection ends before the last reply, and ends it if
   * that does not come in time: within the limit for connecting, if no other is given.
   */
  send(commands: readonly RedisCommand[], withinMs?: number): Promise<readonly unknown[]>
  /** Resolves when it has ended, with why. */
  readonly ended: Promise<string>
  /**
   * At once: replies that are under way are lost, and what is not sent yet never will be. What the
   * network or the server has already may still be run (redis-earlier.ts). `why` is for people.
   */
  end(why?: string): void
}

/** Longest time that a connection which is given up may linger. */
const lingerMs = 1

/**
 * Resolves when the server takes commands: it is no replica (behind Sentinel) and has loaded its
 * data. Rejects with an Error whose message says why not.
 */
export async function connectRedis(
  to: RedisTarget | RedisSentinels,
  settings: RedisSettings,
  counts: RedisCounts,
): Promise<RedisConnection> {
  const redis = new Redis({
    ...optionsOf(settings),
    ...whereOf(to, settings),
  } as RedisOptions)
  let why = 'the connection was closed'
  redis.on('error', (error: Error) => {
    why = error.message === '' ? ((error as { code?: string }).code ?? why) : error.message
  })
  const ended = new Promise<string>((resolve) => redis.once('end', () => resolve(why)))
  const timer = setTimeout(() => {
    why = noAnswer(settings.connectWithinMs)
    redis.disconnect()
  }, settings.connectWithinMs)
  try {
    await redis.connect()
  } catch (error) {
    redis.disconnect()
    throw new Error(why === 'the connection was closed' ? (error as Error).message : why)
  } finally {
    clearTimeout(timer)
  }
  const socket = (redis as unknown as { stream: Socket }).stream
  const address = 'host' in to ? to : { host: socket.remoteAddress, port: socket.remotePort }
  const end = (reason = why) => {
    why = reason
    reset(socket)
  }
  return {
    address: `${address.host}:${address.port}`,
    ended,
    end,
    async send(commands, withinMs = settings.connectWithinMs) {
      let isLate = false
      const limit = setTimeout(() => {
        isLate = true
        end(noAnswer(withinMs))
      }, withinMs)
      try {
        return await send(redis, socket, commands, counts)
      } catch (error) {
        throw isLate ? new Error(noAnswer(withinMs)) : error
      } finally {
        clearTimeout(limit)
      }
    },
  }
}

const noAnswer = (withinMs: number) => `no answer within ${withinMs} ms`

/** Nothing that it still holds is sent: after an end in order, the kernel would go on sending. */
function reset(socket: Socket): void {
  // Over TLS the socket cannot do so itself, but closes the one of TCP under it.
  const { _parent: tcp } = (socket as unknown as { _handle: TlsHandle | null })._handle ?? {}
  if (tcp === undefined) {
    socket.resetAndDestroy()
    return
  }
  tcp.close = tcp.reset
  socket.destroy()
}

/** What Node has under a socket: of TLS, one around that of TCP. */
interface TlsHandle {
  readonly _parent?: { close: (then: () => void) => void; reset: (then: () => void) => void }
}

function optionsOf(settings: RedisSettings) {
  const { username, password, name, connectWithinMs } = settings
  return {
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    connectionName: name,
    connectTimeout: connectWithinMs,
    disconnectTimeout: lingerMs,
    maxLoadingRetryTime: 500,
    lazyConnect: true,
    retryStrategy: null,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    disableClientInfo: true,
    protocol: 2,
  } as const
}

function whereOf(to: RedisTarget | RedisSentinels, settings: RedisSettings) {
  const ca = settings.tlsCa === '' ? {} : { ca: readFileSync(settings.tlsCa) }
  if ('host' in to) {
    return { ...to, ...(settings.tls && { tls: { ...ca, servername: to.host } }) }
  }
  const { sentinelPassword } = settings
  return {
    sentinels: [...to.sentinels],
    name: to.primary,
    role: 'master',
    sentinelRetryStrategy: () => null,
    sentinelCommandTimeout: settings.connectWithinMs,
    ...(sentinelPassword === '' ? {} : { sentinelPassword }),
    ...(settings.tls && { tls: ca, sentinelTLS: ca, enableTLSForSentinelMode: true }),
  } as const
}

function send(
  redis: Redis,
  socket: Socket,
  commands: readonly RedisCommand[],
  counts: RedisCounts,
) {
  const { bytesWritten } = socket
  socket.cork()
  const replies = commands.map(([name, args]) =>
    replyOf(
      redis.sendCommand(
        new Command(name, args as string[], { replyEncoding: 'utf8' }),
      ) as Promise<unknown>,
    ),
  )
  socket.uncork()
  counts.commands += commands.length
  counts.bytes += socket.bytesWritten - bytesWritten
  return Promise.all(replies)
}

/** What the server said is a reply, also when it said no; anything else is a lost connection. */
async function replyOf(reply: Promise<unknown>): Promise<unknown> {
  try {
    return await reply
  } catch (error) {
    if (error instanceof ReplyError) return new RedisRefusal((error as Error).message)
    throw error
  }
}
