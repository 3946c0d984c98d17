/** The settings of a Redis that keeps what it has acknowledged: made for each service's own. */

import { totalmem } from 'node:os'

export interface RedisOptions {
  readonly port: number
  readonly directory: string
  readonly password: string
}

/**
 * MB for the data of each of the four: together half of the machine. The rest is for the children
 * that rewrite their logs, and for all others.
 */
const maxMemoryMb = Math.floor(
  Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY) / 8 / 2 ** 20,
)

/** A word that may have spaces in it. */
const quoted = (word: string) => `"${word.replace(/["\\]/g, '\\$&')}"`

export const redisConf = ({ port, directory, password }: RedisOptions): string => `\
# Made by cli/engines/redis-conf.ts at every start.
bind 127.0.0.1
port ${port}
requirepass ${password}
dir ${quoted(directory)}
daemonize no
loglevel notice
# What was acknowledged is on the disk: every write is flushed before its answer.
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
save ""
# A full database refuses writes; it never forgets, and is not ended by the kernel.
maxmemory ${maxMemoryMb}mb
maxmemory-policy noeviction
`
