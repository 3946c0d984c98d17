import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { type Clock, systemClock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { connectRedis, type RedisSettings } from './redis-client.ts'
import { requireOurs } from './redis-greeting.ts'
import { RedisLink } from './redis-link.ts'
import { RedisRelay } from './redis-relay.ts'
import { hasRedis, RedisServer } from './redis-server.ts'

const skip = hasRedis()
  ? false
  : 'REDIS IS MISSING: NO SILENCE WAS TESTED. ./till engines install GETS IT'
if (skip !== false && process.env.CI === 'true') throw new Error(skip)

const settings: RedisSettings = {
  username: '',
  password: '',
  tls: false,
  tlsCa: '',
  sentinelPassword: '',
  name: 'test',
  connectWithinMs: 300,
}

/** Time passes only while somebody sleeps. */
function sleepersClock(slept: number[]): Clock {
  let now = 0
  const sleep = async (ms: number) => {
    now += ms
    slept.push(ms)
  }
  return { ...systemClock, now: () => now, sleep }
}

describe('redis: connections that end again and again', { skip }, () => {
  const server = new RedisServer(16_610)
  before(() => server.start())
  after(() => server.remove())

  test('are made with growing pauses and told now and then; one that lasted is not', async () => {
    const [slept, told]: [number[], string[]] = [[], []]
    const clock = sleepersClock(slept)
    let connections = 0
    const link: RedisLink = new RedisLink({
      ...{ settings, counts: { commands: 0, bytes: 0 }, clock, server: 'here' },
      target: async () => ({ host: '127.0.0.1', port: server.port }),
      log: { warn: (message: string) => void told.push(message) } as unknown as Log,
      greet: async () => {},
      onReady: () =>
        setImmediate(() => {
          connections++
          if (connections === 8) void clock.sleep(1_000)
          if (connections === 10) link.close()
          else link.leave(link.connection!, 'it is a replica')
        }),
    })
    await link.run()
    assert.deepEqual(slept, [20, 40, 80, 160, 320, 500, 500, 1_000, 20])
    assert.deepEqual(told, ['connection to Redis lost'])
  })
})

describe('redis: a server that falls silent is given up', { skip }, () => {
  const server = new RedisServer(16_611)
  const relay = new RedisRelay(server.port)
  const links: RedisLink[] = []
  const here = () => ({ host: '127.0.0.1', port: relay.port })
  before(() => Promise.all([server.start(), relay.start()]))
  after(async () => {
    for (const link of links) link.close()
    relay.close()
    await server.remove()
  })

  test('whoever asks is told, within the time for connecting if no other is given', async () => {
    for (const withinMs of [undefined, 50]) {
      const connection = await connectRedis(here(), settings, { commands: 0, bytes: 0 })
      assert.deepEqual(await connection.send([['ping', []]], withinMs), ['PONG'])
      relay.newest.silence()
      const why = `no answer within ${withinMs ?? settings.connectWithinMs} ms`
      const told = assert.rejects(connection.send([['ping', []]], withinMs), { message: why })
      assert.equal(await connection.ended, why)
      await told
    }
  })

  test('also while it is greeted: the next connection is used', async () => {
    const log = { warn: () => {} } as unknown as Log
    let greetings = 0
    const isReady = new Promise<void>((resolve) => {
      const link = new RedisLink({
        ...{ settings, log, counts: { commands: 0, bytes: 0 }, clock: systemClock },
        ...{ server: 'here', target: async () => here(), onReady: resolve },
        greet: async (connection) => {
          if (++greetings === 1) relay.newest.silence()
          await requireOurs(connection, 0, 1)
        },
      })
      links.push(link)
      void link.run()
    })
    await isReady
    assert.equal(greetings, 2)
  })
})
