/**
 * Where the Redis of a service is, from its settings: one server, whoever Sentinel calls the
 * primary, or the node of a Cluster that has a partition's slot. Next: redis-link.ts.
 */
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { systemRandom } from '../runtime/random.ts'
import {
  connectRedis,
  RedisRefusal,
  type RedisSentinels,
  type RedisSettings,
  type RedisTarget,
} from './redis-client.ts'
import { recordsKey } from './redis-group.ts'

/** Until a connection must be ready; loading data from disk counts, so it is tried again then. */
const connectWithinMs = 3_000

export const redisSettings = (config: Config): RedisSettings => ({
  username: config.redisUsername,
  password: config.redisPassword,
  tls: config.redisTls,
  tlsCa: config.redisTlsCa,
  sentinelPassword: config.redisSentinelPassword,
  name: 'till',
  connectWithinMs,
})

/** For sentences. */
export function serverName(config: Config): string {
  if (config.redisCluster !== '') return `${config.redisCluster} (Cluster)`
  if (config.redisSentinels === '') return `${config.redisHost}:${config.redisPort}`
  return `"${config.redisSentinelName}" (Sentinels ${config.redisSentinels})`
}

export async function targetOf(
  config: Config,
  partition: number,
): Promise<RedisTarget | RedisSentinels> {
  if (config.redisCluster !== '') return slotOwner(config, partition)
  if (config.redisSentinels === '') return { host: config.redisHost, port: config.redisPort }
  if (config.redisSentinelName === '') {
    throw new ShopError(
      'invalid_settings',
      'REDIS_SENTINELS is set: set REDIS_SENTINEL_NAME to what they call the primary.',
    )
  }
  return {
    // In another order each time: one that is gone may take long to be found missing.
    sentinels: shuffled(addressesIn('REDIS_SENTINELS', config.redisSentinels)),
    primary: config.redisSentinelName,
  }
}

function shuffled<T>(list: readonly T[]): readonly T[] {
  return list
    .map((each) => ({ each, place: systemRandom.next() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ each }) => each)
}

function addressesIn(variable: string, text: string): readonly RedisTarget[] {
  return text.split(',').map((each) => {
    const [, host, port] = /^\s*(.+):(\d{1,5})\s*$/.exec(each) ?? []
    if (host !== undefined) return { host, port: Number(port) }
    const sentence = `${variable}=${text}: it must be host:port, several with commas between.`
    throw new ShopError('invalid_settings', sentence)
  })
}

/** Who asks where a key is does no work for a checkout. */
const lookUps = { commands: 0, bytes: 0 }

/** Asks the nodes in turn who has the slot of the partition's keys now. */
async function slotOwner(config: Config, partition: number): Promise<RedisTarget> {
  let why = 'no node answers'
  for (const node of addressesIn('REDIS_CLUSTER', config.redisCluster)) {
    try {
      const connection = await connectRedis(node, redisSettings(config), lookUps)
      try {
        const [slot, ranges] = await connection.send([
          ['cluster', ['keyslot', recordsKey(partition)]],
          ['cluster', ['slots']],
        ])
        if (ranges instanceof RedisRefusal) throw new Error(ranges.text)
        const owner = (ranges as [number, number, [string, number]][]).find(
          ([first, last]) => first <= Number(slot) && Number(slot) <= last,
        )
        if (owner !== undefined) return { host: owner[2][0] || node.host, port: owner[2][1] }
        why = `no node has slot ${String(slot)}`
      } finally {
        connection.end()
      }
    } catch (error) {
      why = (error as Error).message
    }
  }
  throw new Error(`the Cluster cannot be used: ${why}`)
}
