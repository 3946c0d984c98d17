/**
 * Redis as it is deployed: a primary that Sentinels replace, a Cluster whose nodes are killed, a
 * server behind TLS with users. What was acknowledged is there afterwards, with WAIT on a replica.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Overrides, readConfig } from '../lib/runtime/config.ts'
import type { ShopError } from '../lib/runtime/errors.ts'
import { createLog } from '../lib/runtime/log.ts'
import { openRedisStorage, type RedisStorage } from '../lib/storage/redis.ts'
import { RedisRelay } from '../lib/storage/redis-relay.ts'
import { hasRedis, RedisSentinel, RedisServer, sentinelName } from '../lib/storage/redis-server.ts'

const skip = hasRedis()
  ? false
  : 'REDIS IS MISSING: NO FAILOVER WAS TESTED. ./till engines install GETS IT'
if (skip !== false && process.env.CI === 'true') throw new Error(skip)

const partitions = 4
const goesOnWithinMs = 20_000
const opened: RedisStorage[] = []
const servers: RedisServer[] = []
const relays: RedisRelay[] = []

const openOn = async (overrides: Overrides) => {
  const wanted = { storage: 'redis', partitions: String(partitions), ...overrides }
  const config = readConfig(wanted, {})
  opened.push(await openRedisStorage(config, createLog('fatal')))
  return opened.at(-1)!
}
const start = async <S extends RedisServer>(server: S): Promise<S> => {
  servers.push(server)
  await server.start()
  return server
}

after(async () => {
  await Promise.all(opened.map((storage) => storage.close()))
  for (const relay of relays) relay.close()
  await Promise.all(servers.map((server) => server.remove()))
})

interface Counter {
  readonly n: number
}

/** Raises counters without pause; afterwards compares what is there with what was acknowledged. */
class Raisers {
  readonly #storage: RedisStorage
  readonly #acknowledged = new Map<string, number>()
  readonly #unknown = new Map<string, number>()
  readonly #lanes: readonly Promise<void>[]
  #isOver = false
  acknowledged = 0

  constructor(storage: RedisStorage, count: number) {
    this.#storage = storage
    this.#lanes = Array.from({ length: count }, (_, lane) => this.#raise(lane))
  }

  async #raise(lane: number): Promise<void> {
    const key = `lane-${lane}`
    while (!this.#isOver) {
      try {
        const n = await this.#storage.transact(lane % partitions, [key], (draft) => {
          const next = (draft.get<Counter>(key)?.n ?? 0) + 1
          draft.put(key, { n: next })
          return next
        })
        this.#acknowledged.set(key, n)
        this.acknowledged++
      } catch (error) {
        assert.equal((error as ShopError).code, 'storage_unavailable')
        this.#unknown.set(key, (this.#unknown.get(key) ?? 0) + 1)
        await systemClock.sleep(1)
      }
    }
  }

  /** Until so many more have been acknowledged. */
  goOn(count: number): Promise<void> {
    const until = this.acknowledged + count
    return this.#until(() => this.acknowledged >= until)
  }

  /** Until some more have been, of each record: none's server lacks a replica. */
  goOnEach(): Promise<void> {
    const before = [...this.#acknowledged]
    return this.#until(() => before.every(([key, n]) => this.#acknowledged.get(key)! > n))
  }

  async #until(isSo: () => boolean): Promise<void> {
    const giveUpAt = systemClock.now() + goesOnWithinMs
    while (!isSo()) {
      assert.ok(systemClock.now() < giveUpAt, 'writes do not go on')
      await systemClock.sleep(5)
    }
  }

  /** Records whose acknowledged raises are gone, or that were raised more often than was asked. */
  async end(): Promise<readonly string[]> {
    this.#isOver = true
    await Promise.all(this.#lanes)
    const wrong: string[] = []
    for (const [key, least] of this.#acknowledged) {
      const partition = Number(key.slice('lane-'.length)) % partitions
      const { n } = (await this.#storage.read<Counter>(partition, key)) ?? { n: 0 }
      if (n >= least && n <= least + (this.#unknown.get(key) ?? 0)) continue
      wrong.push(`${key} is ${n}; ${least} was acknowledged`)
    }
    return wrong
  }
}

describe('a primary behind Sentinels', { skip }, () => {
  const [first, second] = [16_620, 16_621]
  const sentinels = [16_622, 16_623, 16_624]
  const where: Overrides = {
    redisSentinels: sentinels.map((port) => `127.0.0.1:${port}`).join(','),
    redisSentinelName: sentinelName,
    redisWaitReplicas: '1',
    redisPatienceMs: '2000',
  }
  const careful = ['--min-replicas-to-write', '1', '--min-replicas-max-lag', '2']

  test('killed twice: nothing that was acknowledged is gone', async () => {
    const primary = await start(new RedisServer(first, careful))
    const replicaOf = (port: number) => ['--replicaof', '127.0.0.1', String(port)]
    const replica = await start(new RedisServer(second, [...careful, ...replicaOf(first)]))
    for (const port of sentinels) await start(new RedisSentinel(port, first))
    const storage = await openOn(where)
    const raisers = new Raisers(storage, 16)
    await raisers.goOn(500)
    await primary.kill()
    await systemClock.sleep(2_000)
    await primary.start()
    await raisers.goOn(500)
    await replica.kill()
    await systemClock.sleep(2_000)
    await replica.start()
    await raisers.goOn(500)
    assert.deepEqual(await raisers.end(), [])
  })

  test('a primary that has lost its replicas is left for the one that has them', async () => {
    const [old, next, follower] = [16_650, 16_651, 16_652]
    const flags = [...careful, '--repl-diskless-sync-delay', '0']
    const follows = [...flags, '--replicaof', '127.0.0.1', `${old}`]
    const primary = await start(new RedisServer(old, flags))
    const replica = await start(new RedisServer(next, follows))
    const other = await start(new RedisServer(follower, follows))
    const sentinel = await start(new RedisSentinel(16_653, old))
    const by = { ...where, redisSentinels: '127.0.0.1:16653' }
    const storage = await openOn(by)
    const both = new Raisers(await openOn({ ...by, redisWaitReplicas: '2' }), 4)
    await both.goOn(10)
    assert.deepEqual(await both.end(), [])
    // It loses the others and the Sentinel, but not this service: they go on without it.
    await sentinel.command('sentinel', 'remove', sentinelName)
    await replica.command('replicaof', 'no', 'one')
    await other.command('replicaof', '127.0.0.1', `${next}`)
    await sentinel.command('sentinel', 'monitor', sentinelName, '127.0.0.1', `${next}`, '1')
    const raisers = new Raisers(storage, 4)
    await raisers.goOn(10)
    assert.deepEqual(await raisers.end(), [])
    assert.match(await primary.command('role'), /^master/, 'nobody told it')
  })

  test('a name that no Sentinel knows is a sentence', async () => {
    const storage = openOn({ ...where, redisSentinelName: 'nobody' })
    await assert.rejects(storage, /REDIS_SENTINEL_NAME/)
  })
})

/** Until its replica has said that it has all that the primary wrote. */
async function untilAll(primary: RedisServer): Promise<void> {
  const giveUpAt = systemClock.now() + 5_000
  for (;;) {
    const info = await primary.command('info', 'replication')
    const [, has] = /slave0:.*offset=(\d+)/.exec(info) ?? []
    if (has !== undefined && info.includes(`master_repl_offset:${has}`)) return
    assert.ok(systemClock.now() < giveUpAt, info)
    await systemClock.sleep(20)
  }
}

describe('a primary with a replica that WAIT asks for', { skip }, () => {
  const [first, second] = [16_626, 16_627]

  test('its memory is full: what a read finds is still known to be the newest', async () => {
    const atOnce = ['--repl-diskless-sync-delay', '0']
    const primary = await start(new RedisServer(first, atOnce))
    const replica = await start(new RedisServer(second, ['--replicaof', '127.0.0.1', `${first}`]))
    const storage = await openOn({
      redisPort: String(first),
      redisWaitReplicas: '1',
      redisWaitMs: '300',
      redisPatienceMs: '1000',
    })
    const write = () => storage.transact(0, ['a'], (draft) => draft.put('a', { n: 1 }))
    const giveUpAt = systemClock.now() + 10_000
    // Until it follows.
    while (systemClock.now() < giveUpAt && (await write().catch(() => 'later')) === 'later');
    await primary.command('config', 'set', 'maxmemory', '1')
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    await assert.rejects(write(), { code: 'storage_full' })
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    await untilAll(primary)
    // Cut off, another may have taken over and have newer records.
    replica.signal('SIGSTOP')
    await assert.rejects(storage.read(0, 'a'), { code: 'storage_unavailable' })
    replica.signal('SIGCONT')
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
  })
})

describe('a Cluster', { skip }, () => {
  const ports = [16_630, 16_631, 16_632, 16_633, 16_634, 16_635]
  const flags = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '1000',
    '--repl-diskless-sync-delay',
    '0',
  ]
  const cluster = ports.map((port) => `127.0.0.1:${port}`).join(',')

  test('a primary is killed, its replica takes over: nothing acknowledged is gone', async () => {
    const nodes = await Promise.all(ports.map((port) => start(new RedisServer(port, flags))))
    const make = ['--cluster', 'create', ...cluster.split(','), '--cluster-replicas', '1']
    await nodes[0]!.command(...make, '--cluster-yes')
    const storage = await openOn({ redisCluster: cluster, redisWaitReplicas: '1' })
    const raisers = new Raisers(storage, 16)
    await raisers.goOn(500)
    await nodes[1]!.kill()
    await systemClock.sleep(3_000)
    await raisers.goOn(500)
    await nodes[1]!.start()
    await raisers.goOnEach()
    assert.deepEqual(await raisers.end(), [])
    for (let partition = 0; partition < partitions; partition++) {
      assert.ok((await storage.scan(partition, 'lane-', { limit: 100 })).length > 0)
    }
  })
})

/** What is given up on a silent network is not sent on, over TLS as well. */
async function assertReset(where: Overrides, port: number): Promise<void> {
  const relay = new RedisRelay(port)
  relays.push(relay)
  await relay.start()
  const storage = await openOn({ ...where, redisPort: String(relay.port) })
  const { newest } = relay
  newest.silence()
  const step = storage.transact(0, ['a'], (draft) => draft.put('a', { n: 1 }))
  await assert.rejects(step, { code: 'storage_unavailable' })
  assert.equal(await newest.ended, 'reset')
  await storage.untilUsable(5_000)
  await newest.deliver()
  assert.equal(await storage.read(0, 'a'), undefined)
}

describe('a server behind TLS, with users', { skip }, () => {
  const port = 16_640
  /** All that the adapter does, and nothing else. */
  const may =
    '~till:* +@hash +@sortedset +@string +@scripting +wait +config|get +select +info +ping ' +
    '+client|info +client|kill +expire'

  test('it works with them, and says which setting is wrong', async () => {
    const server = new RedisServer(16_641)
    servers.push(server)
    const [key, cert] = [join(server.directory, 'key.pem'), join(server.directory, 'cert.pem')]
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const make = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', ...subject]
    assert.equal(spawnSync('openssl', [...make, '-keyout', key, '-out', cert]).status, 0)
    const tls = ['--tls-port', String(port), '--tls-cert-file', cert, '--tls-key-file', key]
    const noClientCertificates = ['--tls-auth-clients', 'no', '--tls-ca-cert-file', cert]
    const users = ['--user', 'shop', 'on', '>secret', ...may.split(' ')]
    const own = new RedisServer(16_641, [...tls, ...noClientCertificates, ...users])
    await start(own)
    const where: Overrides = {
      redisHost: 'localhost',
      redisPort: String(port),
      redisTls: 'true',
      redisTlsCa: cert,
      redisUsername: 'shop',
      redisPassword: 'secret',
    }
    const storage = await openOn(where)
    const raisers = new Raisers(storage, 4)
    await raisers.goOn(100)
    assert.deepEqual(await raisers.end(), [])
    await assertReset({ ...where, redisPatienceMs: '300' }, port)
    await assert.rejects(openOn({ ...where, redisPassword: 'wrong' }), /REDIS_PASSWORD/)
    await assert.rejects(openOn({ ...where, redisUsername: 'nobody' }), /REDIS_USERNAME/)
    await assert.rejects(openOn({ ...where, redisTlsCa: key }), /REDIS_TLS_CA/)
  })
})
