/**
 * Pages of a partition's records in Redis: the names in order first, then the records.
 *
 * Promise: a record that was there all the while is on its page, and a page that is short is the
 * last; it only reads, so it is asked again while the server is away, for as long as is waited.
 * Next: redis.ts.
 */
import type { Clock } from '../runtime/clock.ts'
import { AFTER_ALL_KEYS } from './keys.ts'
import { type RedisCommand, RedisRefusal } from './redis-client.ts'
import { notOurs, refusalError, refusalOf, sentenceOf, unavailable } from './redis-errors.ts'
import { indexKey, recordsKey } from './redis-group.ts'
import type { RedisLink } from './redis-link.ts'
import type { Json, ScanOptions, StoredEntry } from './storage.ts'

/** Records asked for by one command. */
const recordsAtOnce = 2_000
const lookEveryMs = 20

export interface ScanFrom {
  readonly link: RedisLink
  readonly partition: number
  readonly clock: Clock
  /** How long each command waits for a server that is away, or silent. */
  readonly patienceMs: number
  /** What it is called in sentences. */
  readonly server: string
}

export async function scanRedis(
  from: ScanFrom,
  prefix: string,
  { after, limit }: ScanOptions,
): Promise<readonly StoredEntry[]> {
  const { partition } = from
  const first = after === undefined ? `[${prefix}` : `(${after}`
  const range = [indexKey(partition), first, `(${prefix}${AFTER_ALL_KEYS}`]
  const names = (await ask(from, [
    'zrangebylex',
    [...range, 'LIMIT', '0', String(limit)],
  ])) as string[]
  const found: StoredEntry[] = []
  for (let at = 0; at < names.length; at += recordsAtOnce) {
    const keys = names.slice(at, at + recordsAtOnce)
    const texts = await ask(from, ['hmget', [recordsKey(partition), ...keys]])
    for (const [index, text] of (texts as (string | null)[]).entries()) {
      const key = keys[index]!
      // Gone since the names were read.
      if (text !== null) found.push({ key, record: parse(from.server, key, text) })
    }
  }
  // A page that is short means the end: what went meanwhile must not shorten it.
  if (names.length < limit || found.length === names.length) return found
  const rest = { after: names.at(-1)!, limit: limit - found.length }
  return [...found, ...(await scanRedis(from, prefix, rest))]
}

async function ask(
  { link, clock, patienceMs, server }: ScanFrom,
  command: RedisCommand,
): Promise<unknown> {
  const giveUpAt = clock.now() + patienceMs
  for (;;) {
    const { connection } = link
    const replies = await connection?.send([command], patienceMs).catch(() => undefined)
    if (replies !== undefined) {
      const [reply] = replies
      if (!(reply instanceof RedisRefusal)) return reply
      if (refusalOf(reply.text) === 'elsewhere') link.leave(connection!, sentenceOf(reply.text))
      const error = refusalError(server, reply.text)
      if (error.code !== 'storage_unavailable') throw error
    }
    if (link.misfit !== undefined) throw link.misfit
    if (clock.now() >= giveUpAt) throw unavailable(server, link.why)
    await clock.sleep(lookEveryMs)
  }
}

function parse(server: string, key: string, text: string): Json {
  try {
    return JSON.parse(text)
  } catch {
    throw notOurs(server, key)
  }
}
