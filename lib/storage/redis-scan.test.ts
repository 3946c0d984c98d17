import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { type RedisConnection, RedisRefusal } from './redis-client.ts'
import type { RedisLink } from './redis-link.ts'
import { scanRedis } from './redis-scan.ts'

test('a server that has the partition no more is left for the one that has it', async () => {
  const asked: string[] = []
  const connectionTo = (address: string, reply: unknown): RedisConnection => ({
    address,
    ended: new Promise(() => {}),
    end: () => {},
    send: async () => {
      asked.push(address)
      return [reply]
    },
  })
  const moved = new RedisRefusal('MOVED 6918 127.0.0.1:2')
  const link = {
    connection: connectionTo('old', moved),
    leave(connection: RedisConnection) {
      assert.equal(connection.address, 'old')
      link.connection = connectionTo('new', [])
    },
  }
  const from = { partition: 0, clock: systemClock, patienceMs: 2_000, server: 'a Cluster' }
  const page = await scanRedis({ ...from, link: link as unknown as RedisLink }, '', { limit: 1 })
  assert.deepEqual(page, [])
  assert.deepEqual(asked, ['old', 'new'])
})
