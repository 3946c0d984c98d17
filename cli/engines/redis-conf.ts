/** The settings of a Redis that keeps what it has acknowledged: made for each service's own. */

export interface RedisOptions {
  readonly port: number
  readonly directory: string
  readonly password: string
}

export const redisConf = ({ port, directory, password }: RedisOptions): string => `\
# Made by cli/engines/redis-conf.ts at every start.
bind 127.0.0.1
port ${port}
requirepass ${password}
dir ${directory}
daemonize no
loglevel notice
# What was acknowledged is on the disk: every write is flushed before its answer.
appendonly yes
appendfsync always
no-appendfsync-on-rewrite no
aof-use-rdb-preamble yes
save ""
# A full database refuses writes; it never forgets.
maxmemory-policy noeviction
`
