/**
 * What a new connection to Redis is looked at for: whether the data there is ours and was made with
 * the same settings, and whether the server's own settings can keep the promise that storage gives.
 * Next: redis.ts.
 */
import { ShopError } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { type RedisConnection, RedisRefusal } from './redis-client.ts'
import { misconfigured, refusalOf, sentenceOf } from './redis-errors.ts'
import { fenceKey } from './redis-group.ts'

/** Of the records' layout; a later Till that changes it raises this. */
export const REDIS_FORMAT = 1

export const metaKey = (partition: number) => `till:{${partition}}:meta`

/** Throws ShopError `invalid_settings`, so that no other database is taken for it, or Error. */
export async function select(connection: RedisConnection, db: number): Promise<void> {
  // Where a connection begins; a user need not be allowed to select it.
  if (db === 0) return
  const [reply] = await connection.send([['select', [String(db)]]])
  if (!(reply instanceof RedisRefusal)) return
  if (refusalOf(reply.text) === 'later') throw new Error(reply.text)
  throw new ShopError(
    'invalid_settings',
    `The Redis at ${connection.address} does not give this service REDIS_DB=${db}: ` +
      `${sentenceOf(reply.text)}. Check how many databases it has, and what REDIS_USERNAME may do.`,
  )
}

/** Throws ShopError `partitions_differ`, `data_newer` or `data_unreadable`, or Error to wait on. */
export async function requireOurs(
  connection: RedisConnection,
  partition: number,
  partitions: number,
): Promise<void> {
  const key = metaKey(partition)
  const mine = JSON.stringify({ format: REDIS_FORMAT, partitions })
  const [set, got] = await connection.send([
    ['set', [key, mine, 'NX']],
    ['get', [key]],
    // What a full memory can still be made to write is a key that is there.
    ['set', [fenceKey(partition), '1', 'NX']],
  ])
  for (const reply of [set, got]) {
    if (!(reply instanceof RedisRefusal)) continue
    const misfit = misconfigured(connection.address, reply.text)
    if (misfit !== undefined) throw misfit
    // A server that takes no writes for now may still have the key: only that is needed.
    if (reply === got || got === null) throw new Error(reply.text)
  }
  if (got === mine) return
  const stored = metaOf(got)
  if (stored === undefined) {
    throw new ShopError(
      'data_unreadable',
      `The key ${key} in the Redis at ${connection.address} is not Till's. Give this service a ` +
        'Redis, or a REDIS_DB, of its own.',
    )
  }
  if (stored.format > REDIS_FORMAT) {
    throw new ShopError(
      'data_newer',
      `The data in the Redis at ${connection.address} has format ${stored.format}, written by a ` +
        `newer Till; this one reads up to ${REDIS_FORMAT}. Start the newer Till.`,
    )
  }
  throw new ShopError(
    'partitions_differ',
    `The data in the Redis at ${connection.address} was created with PARTITIONS=` +
      `${stored.partitions}, which cannot change; the setting is PARTITIONS=${partitions}. Set ` +
      `PARTITIONS=${stored.partitions}, or use another REDIS_DB.`,
  )
}

function metaOf(text: unknown): { format: number; partitions: number } | undefined {
  try {
    const { format, partitions } = JSON.parse(String(text))
    return Number.isInteger(format) && Number.isInteger(partitions)
      ? { format, partitions }
      : undefined
  } catch {
    return undefined
  }
}

/** What a server must be set to, and what happens otherwise. */
const wanted: readonly (readonly [setting: string, value: RegExp, otherwise: string])[] = [
  ['appendonly', /^yes$/, 'what was acknowledged is gone when the server is killed'],
  ['appendfsync', /^always$/, 'the last second before a crash may be gone'],
  ['maxmemory', /^[1-9]/, 'the kernel ends it when it is full, and again when it has read its log'],
  ['maxmemory-policy', /^noeviction$/, 'records vanish when the memory is full'],
]

/** Tells in words which settings of the server cannot keep the promise. Never throws. */
export async function warnOfSettings(
  connection: RedisConnection,
  waitReplicas: number,
  log: Log,
): Promise<void> {
  const server = connection.address
  const names = [...wanted.map(([setting]) => setting), 'min-replicas-to-write']
  const replies = await connection
    .send(names.map((name) => ['config', ['get', name]] as const))
    .catch(() => [])
  const values = new Map(
    replies.flatMap((reply) =>
      Array.isArray(reply) && reply.length === 2 ? [[String(reply[0]), String(reply[1])]] : [],
    ) as [string, string][],
  )
  if (values.size === 0) {
    log.warn('the settings of Redis cannot be read: make sure of appendonly and appendfsync', {
      server,
    })
    return
  }
  for (const [setting, right, otherwise] of wanted) {
    const value = values.get(setting)
    if (value !== undefined && !right.test(value)) {
      log.warn(`Redis has ${setting} ${value}: ${otherwise}`, { server })
    }
  }
  if (Number(values.get('min-replicas-to-write') ?? 0) < waitReplicas) {
    log.warn(
      `Redis has min-replicas-to-write below REDIS_WAIT_REPLICAS=${waitReplicas}: a primary that ` +
        'is cut off goes on writing what will be lost',
      { server },
    )
  }
}
