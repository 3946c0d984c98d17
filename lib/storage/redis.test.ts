import assert from 'node:assert/strict'
import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { type Overrides, readConfig } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { PARTITIONS, storageConformance } from './conformance.ts'
import { openRedisStorage, type RedisStorage } from './redis.ts'
import { RedisRelay } from './redis-relay.ts'
import { hasRedis, RedisServer } from './redis-server.ts'

const skip = hasRedis()
  ? false
  : 'REDIS IS MISSING: NOTHING OF IT WAS TESTED. ./till engines install GETS IT'
if (skip !== false && process.env.CI === 'true') throw new Error(skip)

const errors: string[] = []
const warnings: string[] = []
const quiet: Log = {
  fatal: () => {},
  error: (message: string) => void errors.push(message),
  warn: (message: string) => void warnings.push(message),
  info: () => {},
  debug: () => {},
  child: () => quiet,
} as unknown as Log

const port = 16_600
const server = new RedisServer(port, ['--databases', '1000'])
let databases = 0

const configOf = (overrides: Overrides) =>
  readConfig({ storage: 'redis', partitions: String(PARTITIONS), ...overrides }, {})
/** Ended when the file ends, whatever failed. */
const opened: RedisStorage[] = []
const servers: RedisServer[] = []
const openOn = async (overrides: Overrides) => {
  opened.push(await openRedisStorage(configOf(overrides), quiet))
  return opened.at(-1)!
}
const startOwn = async (ownPort: number, flags: readonly string[] = []) => {
  const own = new RedisServer(ownPort, flags)
  servers.push(own)
  await own.start()
  return own
}
/** Until it has noticed that its server is away. */
const lost = async (storage: RedisStorage) => {
  const giveUpAt = systemClock.now() + 2_000
  while (storage.health().usable && systemClock.now() < giveUpAt) await systemClock.sleep(5)
  assert.equal(storage.health().usable, false)
}
const relays: RedisRelay[] = []
const relayTo = async (to: number) => {
  const relay = new RedisRelay(to)
  relays.push(relay)
  await relay.start()
  return relay
}
const fresh = (): Overrides => ({ redisPort: String(port), redisDb: String(databases++) })

if (skip === false) {
  before(() => server.start())
  after(async () => {
    await Promise.all(opened.map((storage) => storage.close()))
    for (const relay of relays) relay.close()
    await Promise.all([server, ...servers].map((each) => each.remove()))
  })
  storageConformance('redis', {
    async openFresh() {
      const where = fresh()
      const mine: RedisStorage[] = []
      const open = async () => {
        mine.push(await openOn(where))
        return mine.at(-1)!
      }
      const storage = await open()
      return {
        storage,
        reopen: open,
        writes: () => storage.stats.writes,
        dispose: async () => {
          for (const each of mine) await each.close()
        },
      }
    },
  })
}

interface Counter {
  readonly n: number
}

const raise = (storage: RedisStorage, key: string, partition = 0) =>
  storage.transact(partition, [key], (draft) => {
    const n = (draft.get<Counter>(key)?.n ?? 0) + 1
    draft.put(key, { n })
    return n
  })

describe('redis: several instances on one database', { skip }, () => {
  test('no raise of a counter is lost, whoever makes it; every read is the newest', async () => {
    const where = fresh()
    const storages = await Promise.all(Array.from({ length: 3 }, () => openOn(where)))
    const rounds = 100
    await Promise.all(
      storages.flatMap((storage) =>
        ['a', 'b', 'c', 'd'].map(async (key) => {
          for (let round = 0; round < rounds; round++) {
            const n = await raise(storage, key)
            const seen = await storages[round % storages.length]!.read<Counter>(0, key)
            assert.ok(seen!.n >= n)
          }
        }),
      ),
    )
    for (const key of ['a', 'b', 'c', 'd']) {
      assert.deepEqual(await storages[0]!.read(0, key), { n: rounds * storages.length })
    }
    for (const storage of storages) await storage.close()
  })
})

describe('redis: the server dies', { skip }, () => {
  test('killed in the middle of writes, many times: what was acknowledged is there', async () => {
    const own = await startOwn(port + 1)
    const storage = await openOn({ redisPort: String(own.port), redisPatienceMs: '3000' })
    const acknowledged = new Map<string, number>()
    const unknown = new Map<string, number>()
    let isOver = false
    const lanes = Array.from({ length: 24 }, async (_, lane) => {
      const [key, partition] = [`lane-${lane}`, lane % PARTITIONS]
      while (!isOver) {
        try {
          acknowledged.set(key, await raise(storage, key, partition))
        } catch (error) {
          assert.equal((error as ShopError).code, 'storage_unavailable')
          unknown.set(key, (unknown.get(key) ?? 0) + 1)
        }
      }
    })
    for (let kill = 0; kill < 8; kill++) {
      await systemClock.sleep(150)
      await own.kill()
      await lost(storage)
      await own.start()
    }
    await systemClock.sleep(500)
    isOver = true
    await Promise.all(lanes)
    assert.ok(
      [...unknown.values()].some((count) => count > 0),
      'no answer was ever lost',
    )
    for (let lane = 0; lane < lanes.length; lane++) {
      const key = `lane-${lane}`
      const { n } = (await storage.read<Counter>(lane % PARTITIONS, key))!
      const least = acknowledged.get(key)!
      assert.ok(n >= least && n <= least + (unknown.get(key) ?? 0), `${key}: ${n}, ${least}`)
    }
    await storage.close()
    await own.remove()
  })

  test('frozen: requests are refused in time, and it comes back by itself', async () => {
    const own = await startOwn(port + 2)
    const storage = await openOn({ redisPort: String(own.port), redisPatienceMs: '300' })
    assert.equal(await raise(storage, 'a'), 1)
    own.signal('SIGSTOP')
    await assert.rejects(storage.scan(0, '', { limit: 1 }), { code: 'storage_unavailable' })
    own.signal('SIGCONT')
    await storage.untilUsable(5_000)
    own.signal('SIGSTOP')
    await assert.rejects(raise(storage, 'a'), { code: 'storage_unavailable' })
    await assert.rejects(storage.read(0, 'a'), { code: 'storage_unavailable' })
    await assert.rejects(storage.scan(0, '', { limit: 1 }), { code: 'storage_unavailable' })
    own.signal('SIGCONT')
    await storage.untilUsable(5_000)
    const n = await raise(storage, 'a')
    assert.ok(n === 2 || n === 3)
    await storage.close()
    await own.remove()
  })
})

describe('redis: the storage closes', { skip }, () => {
  test('while a read is under way that would be asked again: it is told so', async () => {
    const own = await startOwn(port + 13)
    const waits = { redisWaitReplicas: '1', redisWaitMs: '1000' }
    const storage = await openOn({ redisPort: String(own.port), redisPatienceMs: '200', ...waits })
    own.signal('SIGSTOP')
    const reading = assert.rejects(storage.read(0, 'a'), { code: 'storage_closed' })
    await storage.close()
    await reading
    await own.remove()
  })
})

describe('redis: the network is silent, and delivers late', { skip }, () => {
  const silenced = async () => {
    const relay = await relayTo(port)
    const where = { ...fresh(), redisPort: String(relay.port), redisPatienceMs: '300' }
    const storage = await openOn(where)
    assert.equal(await raise(storage, 'a'), 1)
    const { newest } = relay
    newest.silence()
    return { storage, silent: newest }
  }

  test('what is given up is not sent on: the connection is reset', async () => {
    const { storage, silent } = await silenced()
    await assert.rejects(raise(storage, 'a'), { code: 'storage_unavailable' })
    assert.ok(silent.keptBytes > 0)
    assert.equal(await silent.ended, 'reset')
    await storage.close()
  })

  test('a write that was given up happens before the next answer, or never', async () => {
    const { storage, silent } = await silenced()
    const load = (n: number) => storage.load(0, [{ key: 'a', record: { n } }])
    await assert.rejects(load(7), { code: 'storage_unavailable' })
    await storage.untilUsable(5_000)
    await load(8)
    assert.equal(await raise(storage, 'a'), 9)
    await silent.deliver()
    assert.deepEqual(await storage.read(0, 'a'), { n: 9 })
    await storage.close()
  })

  test('a user that may not end its connections is served, and it is told', async () => {
    const own = await startOwn(port + 7)
    const may = ['~*', '+@all', '-client|kill', '-client|info']
    await own.command('acl', 'setuser', 'shop', 'on', '>secret', ...may)
    warnings.length = 0
    const user = { redisUsername: 'shop', redisPassword: 'secret' }
    const storage = await openOn({ redisPort: String(own.port), ...user })
    assert.equal(await raise(storage, 'a'), 1)
    assert.equal(warnings.filter((warning) => /client\|kill/.test(warning)).length, 1)
    await storage.close()
    await own.remove()
  })
})

describe('redis: the server has gone back', { skip }, () => {
  test('what was acknowledged and is gone is told, once', async () => {
    const own = await startOwn(port + 6)
    const storage = await openOn({ redisPort: String(own.port) })
    const [data, older] = ['appendonlydir', 'older'].map((name) => join(own.directory, name))
    await raise(storage, 'a')
    cpSync(data!, older!, { recursive: true })
    for (let more = 0; more < 3; more++) await raise(storage, 'a')
    await own.kill()
    rmSync(data!, { recursive: true })
    cpSync(older!, data!, { recursive: true })
    errors.length = 0
    await own.start()
    await lost(storage)
    await storage.untilUsable(5_000)
    assert.equal(await raise(storage, 'a'), 2, 'the database has the first alone')
    assert.equal(await raise(storage, 'a'), 3)
    assert.deepEqual(errors, ['the database has lost acknowledged writes'])
    await storage.close()
    await own.remove()
  })
})

describe('redis: what a server may answer', { skip }, () => {
  test('out of memory: writes are refused as full, reads go on, nothing is half done', async () => {
    const own = await startOwn(port + 3)
    const where = { redisPort: String(own.port) }
    const storage = await openOn(where)
    await raise(storage, 'a')
    await own.command('config', 'set', 'maxmemory', '1')
    await assert.rejects(raise(storage, 'a'), { code: 'storage_full' })
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    await own.command('config', 'set', 'maxmemory', '0')
    assert.equal(await raise(storage, 'a'), 2)
    await storage.close()
    await own.remove()
  })

  /** Writers that come again at once, so that every group has one of them. */
  const writers = (storage: RedisStorage, code: string) => {
    let isOver = false
    const lanes = ['v', 'w', 'x', 'y'].map(async (key) => {
      while (!isOver) await assert.rejects(raise(storage, key), { code })
    })
    return () => {
      isOver = true
      return Promise.all(lanes)
    }
  }

  test('out of memory: who reads, or makes room, is not refused with those who write', async () => {
    const own = await startOwn(port + 8)
    const storage = await openOn({ redisPort: String(own.port) })
    const old = ['a', 'b', 'c', 'd']
    for (const key of old) await raise(storage, key)
    await own.command('config', 'set', 'maxmemory', '1')
    const end = writers(storage, 'storage_full')
    for (let round = 0; round < 50; round++) {
      assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
      const seen = storage.transact(0, ['a'], (draft) => draft.get('a'))
      assert.deepEqual(await seen, { n: 1 })
    }
    for (const key of old) await storage.transact(0, [key], (draft) => draft.delete(key))
    assert.deepEqual(await storage.scan(0, '', { limit: 9 }), [])
    await storage.transact(0, ['a'], (draft) => draft.delete('a'))
    await end()
    await storage.close()
    await own.remove()
  })

  test('too few replicas for writes: who reads is answered', async () => {
    const own = await startOwn(port + 9)
    const storage = await openOn({ redisPort: String(own.port), redisPatienceMs: '300' })
    await raise(storage, 'a')
    await own.command('config', 'set', 'min-replicas-to-write', '1')
    const end = writers(storage, 'storage_unavailable')
    for (let round = 0; round < 20; round++) {
      assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    }
    await end()
    await storage.close()
    await own.remove()
  })

  test('a replica takes no writes; promoted, it does', async () => {
    const own = await startOwn(port + 4)
    const storage = await openOn({ redisPort: String(own.port), redisPatienceMs: '400' })
    await raise(storage, 'a')
    await own.command('replicaof', '127.0.0.1', '1')
    await assert.rejects(raise(storage, 'a'), { code: 'storage_unavailable' })
    await own.command('replicaof', 'no', 'one')
    await storage.untilUsable(5_000)
    assert.equal(await raise(storage, 'a'), 2)
    await storage.close()
    await own.remove()
  })

  test('WAIT without a replica that has it: nothing is acknowledged', async () => {
    const where = { ...fresh(), redisWaitReplicas: '1', redisWaitMs: '50' }
    const storage = await openOn(where)
    await assert.rejects(raise(storage, 'a'), { code: 'storage_unavailable' })
    await storage.close()
  })
})

describe('redis: hostile values', { skip }, () => {
  test('what is not JSON, or of another type, is refused in words; others go on', async () => {
    const db = String(databases)
    const storage = await openOn(fresh())
    await raise(storage, 'a')
    await raise(storage, 'b', 1)
    await server.command('-n', db, 'hset', 'till:{0}:records', 'a', '{not json')
    await assert.rejects(raise(storage, 'a'), { code: 'data_unreadable' })
    await assert.rejects(storage.read(0, 'a'), { code: 'data_unreadable' })
    await server.command('-n', db, 'hset', 'till:{0}:records', 'a', 'null')
    await assert.rejects(storage.read(0, 'a'), { code: 'data_unreadable' })
    await server.command('-n', db, 'del', 'till:{0}:records')
    await server.command('-n', db, 'set', 'till:{0}:records', 'mine')
    await assert.rejects(raise(storage, 'a'), { code: 'data_unreadable' })
    assert.equal(await raise(storage, 'b', 1), 2)
    await storage.close()
  })
})

describe('redis: wrong settings', { skip }, () => {
  test('each is a sentence', async () => {
    const where = fresh()
    await (await openOn(where)).close()
    const open = (overrides: Overrides) => openOn({ ...where, ...overrides })
    await assert.rejects(open({ partitions: '3' }), { code: 'partitions_differ' })
    await assert.rejects(open({ redisSentinels: 'nowhere', redisSentinelName: 'x' }), {
      code: 'invalid_settings',
    })
    await assert.rejects(open({ redisPassword: 'wrong', redisUsername: 'nobody' }), (error) => {
      assert.ok(error instanceof ShopError && error.code === 'storage_unavailable')
      return /REDIS_PASSWORD/.test(error.message)
    })
  })

  test('a database that cannot be had is a sentence, and no other one is used for it', async () => {
    const own = await startOwn(port + 12)
    const open = (overrides: Overrides) => openOn({ redisPort: String(own.port), ...overrides })
    await assert.rejects(open({ redisDb: '16' }), (error: ShopError) => {
      assert.equal(error.code, 'invalid_settings')
      return /out of range/.test(error.message) && /REDIS_DB=16/.test(error.message)
    })
    await own.command('acl', 'setuser', 'shop', 'on', '>secret', '~*', '+@all', '-select')
    const shop = { redisUsername: 'shop', redisPassword: 'secret' }
    await assert.rejects(open({ ...shop, redisDb: '3' }), /REDIS_DB=3/)
    assert.equal(await own.command('dbsize'), '0\n')
    const storage = await open(shop)
    assert.equal(await raise(storage, 'a'), 1, 'without it none has to be selected')
  })

  test('a server that would lose acknowledged writes is warned of', async () => {
    const own = await startOwn(port + 5, ['--appendfsync', 'everysec'])
    const warned = async () => {
      warnings.length = 0
      await (await openOn({ redisPort: String(own.port) })).close()
      return warnings.join()
    }
    assert.match(await warned(), /appendfsync everysec.*maxmemory 0:/)
    await own.command('config', 'set', 'maxmemory', '64mb')
    await own.command('config', 'set', 'appendfsync', 'always')
    assert.equal(await warned(), '')
    await own.remove()
  })
})
