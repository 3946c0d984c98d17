/**
 * The connections that this process had before to a Redis server, which may still read them: what
 * was sent on one that has ended can lie in the network, or in the server's memory, for minutes,
 * and would be run when it arrives.
 *
 * Promise: once `end` has resolved, a server that lets this user do it runs nothing more of them: a
 * write that was answered with "it may have happened" has happened or never will. Nothing is
 * written for that: a server that restarts has none of its connections any more.
 * Next: redis-link.ts, which greets each connection so.
 */
import type { Log } from '../runtime/log.ts'
import { type RedisConnection, RedisRefusal } from './redis-client.ts'

/** Others than the newest are forgotten: each is of a server that was not reached again since. */
const MOST_REMEMBERED = 16

interface Earlier {
  /** Of the server, as this process knows it. */
  readonly server: string
  readonly id: string
  /** Of this end, as the server sees it: numbers begin anew with a server's start. */
  readonly address: string
}

export class EarlierConnections {
  readonly #log: Log
  #earlier: readonly Earlier[] = []
  #isTold = false

  constructor(log: Log) {
    this.#log = log
  }

  /** Ends those that were here before `connection`, which is remembered for the next one. */
  async end(connection: RedisConnection): Promise<void> {
    const { address: server } = connection
    const kills = this.#earlier.map(
      ({ id, address }) => ['client', ['kill', 'ID', id, 'ADDR', address]] as const,
    )
    const [info, ...killed] = await connection.send([['client', ['info']], ...kills])
    const refusal = [info, ...killed].find((reply) => reply instanceof RedisRefusal)
    if (refusal !== undefined) this.#tell(server, refusal.text)
    else this.#earlier = this.#earlier.filter((each) => each.server !== server)
    const [, id, address] = /^id=(\d+) addr=(\S+) /.exec(String(info)) ?? []
    if (id === undefined || address === undefined) return
    this.#earlier = [...this.#earlier, { server, id, address }].slice(-MOST_REMEMBERED)
  }

  #tell(server: string, why: string): void {
    if (this.#isTold) return
    this.#isTold = true
    this.#log.warn(
      'Redis does not let this user end its own earlier connections: after a silence of the ' +
        'network, a write that was given up may happen late. Allow it +client|kill +client|info',
      { server, why },
    )
  }
}
