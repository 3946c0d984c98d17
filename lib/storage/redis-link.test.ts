import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
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
