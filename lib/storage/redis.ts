/**
 * Storage on Redis, how the services are deployed: one server, a primary behind Sentinel, or a
 * Cluster. Several instances of a service share it; compare-and-set.lua makes their steps atomic.
 *
 * Promise: what storage.ts says, as far as the server is set to keep what it acknowledges
 * (appendonly, appendfsync always; REDIS_WAIT_REPLICAS where there are replicas): where it is not,
 * that is said at the start. A server that is away is waited for REDIS_PATIENCE_MS; it comes back
 * without a restart here, and what was not answered has then happened or never will
 * (redis-earlier.ts). All keys of a partition share a hash tag.
 * Next: redis-lane.ts (work under way), redis-link.ts (connection), redis-group.ts (the writes).
 */
import { systemClock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { type Health, usable } from '../runtime/health.ts'
import { instanceName } from '../runtime/instance-name.ts'
import type { Log } from '../runtime/log.ts'
import { Histogram, type Metric, sizeBounds } from '../runtime/metric.ts'
import { LOAD_CHUNK_RECORDS, storageMetrics } from './group-commit.ts'
import { requireKey, requirePrefix } from './keys.ts'
import { LossWatch } from './loss-watch.ts'
import type { RedisConnection, RedisCounts } from './redis-client.ts'
import { EarlierConnections } from './redis-earlier.ts'
import { unavailable } from './redis-errors.ts'
import { requireOurs, select, warnOfSettings } from './redis-greeting.ts'
import type { Unit } from './redis-group.ts'
import { RedisLane } from './redis-lane.ts'
import { RedisLink } from './redis-link.ts'
import { redisMetrics } from './redis-metrics.ts'
import { scanRedis } from './redis-scan.ts'
import { readScript } from './redis-script.ts'
import { redisSettings, serverName, targetOf } from './redis-target.ts'
import { encodeRecord, type StoredRecord } from './step.ts'
import type { Draft, Json, ScanOptions, Storage, StoredEntry } from './storage.ts'

/** Until a server that is not there yet, or is loading its data, must answer at the start. */
const openWithinMs = 60_000
const lookEveryMs = 20

/**
 * Resolves when the server takes commands. Throws `partitions_differ`, `data_newer`,
 * `data_unreadable`, or `storage_unavailable` when it cannot be reached within a minute, or refuses
 * this user. After a crash at any moment each group is there wholly or not at all.
 */
export async function openRedisStorage(config: Config, log: Log): Promise<RedisStorage> {
  const storage = new RedisStorage(config, log)
  try {
    await storage.untilUsable(openWithinMs)
  } catch (error) {
    await storage.close()
    throw error
  }
  return storage
}

const noWord = () => {}

type Make = (unit: Pick<Unit, 'partition' | 'giveUpAt' | 'resolve' | 'reject'>) => Unit

interface Server {
  readonly link: RedisLink
  readonly lane: RedisLane
}

export class RedisStorage implements Storage {
  readonly partitions: number
  readonly stats = { steps: 0, writes: 0 }
  readonly #sent: RedisCounts = { commands: 0, bytes: 0 }
  readonly #groups = new Histogram(sizeBounds)
  readonly metrics: readonly Metric[]
  readonly #watch: LossWatch
  readonly #config: Config
  readonly #name: string
  /** One for all partitions; in a Cluster one for each, because each may be on another server. */
  readonly #servers: readonly Server[]
  /** Loads under way; each may still add chunks while the storage closes. */
  readonly #loads = new Set<Promise<void>>()
  #closing: Promise<void> | undefined

  constructor(config: Config, log: Log) {
    this.partitions = config.partitions
    this.#config = config
    this.#name = serverName(config)
    const count = config.redisCluster === '' ? 1 : config.partitions
    const script = readScript()
    this.#watch = new LossWatch({
      ...{ partitions: config.partitions, instance: instanceName(config), clock: systemClock, log },
      read: async (partition, key) =>
        this.#do<number | undefined>(partition, (unit) => ({ ...unit, kind: 'read', key })),
    })
    this.#servers = Array.from({ length: count }, (_, index) => this.#open(index, script, log))
    this.metrics = [
      ...storageMetrics(this.stats, this.#groups),
      ...redisMetrics(this.#sent),
      this.#watch.metric,
    ]
  }

  /** Rejects with the reason why it is not when the time is over, or cannot become so. */
  async untilUsable(withinMs: number): Promise<void> {
    const giveUpAt = systemClock.now() + withinMs
    for (const { link } of this.#servers) {
      while (link.connection === undefined) {
        if (link.misfit !== undefined) throw link.misfit
        if (systemClock.now() >= giveUpAt) throw unavailable(this.#name, link.why)
        await systemClock.sleep(lookEveryMs)
      }
    }
  }

  health(): Health {
    const away = this.#servers.find(({ link }) => link.connection === undefined)
    if (away === undefined) return usable
    return { usable: false, detail: `the Redis at ${this.#name}: ${away.link.why}` }
  }

  transact<T>(partition: number, keys: readonly string[], step: (draft: Draft) => T): Promise<T> {
    return this.#do(partition, (unit) => {
      for (const key of keys) requireKey(key)
      return { ...unit, kind: 'step', keys, step }
    })
  }

  async read<R extends Json>(partition: number, key: string): Promise<R | undefined> {
    return this.#do(partition, (unit) => {
      requireKey(key)
      return { ...unit, kind: 'read', key }
    })
  }

  async scan(
    partition: number,
    prefix: string,
    options: ScanOptions,
  ): Promise<readonly StoredEntry[]> {
    const { link } = this.#serverOf(partition)
    requirePrefix(prefix)
    if (options.after !== undefined) requireKey(options.after)
    if (options.limit <= 0) return []
    const { redisPatienceMs: patienceMs } = this.#config
    return scanRedis(
      { link, partition, clock: systemClock, patienceMs, server: this.#name },
      prefix,
      options,
    )
  }

  load(partition: number, entries: Iterable<StoredEntry>): Promise<void> {
    const loading = this.#load(partition, entries)
    const done = loading.then(noWord, noWord).then(() => void this.#loads.delete(done))
    this.#loads.add(done)
    return loading
  }

  close(): Promise<void> {
    this.#closing ??= this.#drain()
    return this.#closing
  }

  /** All of its chunks belong to what was accepted before `close`. */
  async #load(partition: number, entries: Iterable<StoredEntry>): Promise<void> {
    const { lane } = this.#serverOf(partition)
    let chunk: (readonly [string, StoredRecord])[] = []
    const write = (full: typeof chunk) =>
      this.#addTo<void>(lane, partition, (unit) => ({ ...unit, kind: 'load', chunk: full }))
    for (const { key, record } of entries) {
      requireKey(key)
      chunk.push([key, { record, text: encodeRecord(record) }])
      if (chunk.length < LOAD_CHUNK_RECORDS) continue
      await write(chunk)
      chunk = []
    }
    if (chunk.length > 0) await write(chunk)
  }

  #open(index: number, script: ReturnType<typeof readScript>, log: Log): Server {
    const config = this.#config
    let isFirst = true
    const earlier = new EarlierConnections(log)
    const link = new RedisLink({
      target: () => targetOf(config, index),
      settings: redisSettings(config),
      counts: this.#sent,
      server: this.#name,
      clock: systemClock,
      log,
      greet: async (connection: RedisConnection) => {
        await earlier.end(connection)
        // A Cluster has one database only.
        await select(connection, config.redisCluster === '' ? config.redisDb : 0)
        await requireOurs(connection, index, config.partitions)
        if (isFirst && index === 0) await warnOfSettings(connection, config.redisWaitReplicas, log)
        isFirst = false
      },
      onReady: () => lane.wake(),
    })
    const lane = new RedisLane({
      link,
      script,
      clock: systemClock,
      partition: index,
      servers: this.#config.redisCluster === '' ? 1 : this.partitions,
      waitReplicas: config.redisWaitReplicas,
      waitMs: config.redisWaitMs,
      answerWithinMs: config.redisPatienceMs,
      stats: this.stats,
      groups: this.#groups,
      watch: this.#watch,
      server: this.#name,
    })
    void link.run()
    return { link, lane }
  }

  #serverOf(partition: number): Server {
    if (this.#closing) {
      throw new ShopError('storage_closed', 'The storage is closed. Open it again to use it.')
    }
    if (!(Number.isInteger(partition) && partition >= 0 && partition < this.partitions)) {
      throw new RangeError(`There is no partition ${partition} among ${this.partitions}.`)
    }
    return this.#servers[this.#servers.length === 1 ? 0 : partition]!
  }

  async #do<T>(partition: number, make: Make): Promise<T> {
    return this.#addTo<T>(this.#serverOf(partition).lane, partition, make)
  }

  #addTo<T>(lane: RedisLane, partition: number, make: Make): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const giveUpAt = systemClock.now() + this.#config.redisPatienceMs
      lane.add(make({ partition, giveUpAt, resolve, reject }))
    })
  }

  async #drain(): Promise<void> {
    this.#watch.close()
    const over = systemClock.sleep(this.#config.redisPatienceMs)
    const drained = async () => {
      await Promise.all(this.#loads)
      await Promise.all(this.#servers.map(({ lane }) => lane.drained()))
    }
    await Promise.race([over, drained()])
    for (const { lane, link } of this.#servers) {
      lane.close(new ShopError('storage_closed', 'The storage is closed. Open it again to use it.'))
      link.close()
    }
  }
}
