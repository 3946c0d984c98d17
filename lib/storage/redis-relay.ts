/**
 * A network of a test's own between a storage and its Redis: it can fall silent, and deliver late
 * what was sent before. As in TCP, what one connection had sent may arrive after what newer ones
 * send.
 */
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'

/** One connection of a client through the relay. */
export class RelayedConnection {
  /** How its client has ended it: in order, or so that nothing more of it is sent. */
  readonly ended: Promise<'in order' | 'reset'>
  readonly #server: Socket
  #kept: Buffer[] | undefined

  constructor(client: Socket, port: number) {
    this.#server = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.ended = new Promise((resolve) => {
      client.once('end', () => resolve('in order')).once('error', () => resolve('reset'))
    })
    client.on('data', (bytes: Buffer) => {
      if (this.#kept === undefined) this.#server.write(bytes)
      else this.#kept.push(bytes)
    })
    client.once('close', () => this.#kept ?? this.#server.destroy())
    this.#server.on('data', (bytes) => this.#kept ?? (client.destroyed || client.write(bytes)))
    this.#server.on('error', () => {})
    this.#server.once('close', () => this.#kept ?? client.destroy())
  }

  get keptBytes(): number {
    return (this.#kept ?? []).reduce((sum, { length }) => sum + length, 0)
  }

  /** From now on nothing comes through, either way. */
  silence(): void {
    this.#kept ??= []
  }

  /** What was sent meanwhile arrives, if the server still listens; resolves when it has ended. */
  async deliver(): Promise<void> {
    if (this.#server.destroyed) return
    const closed = once(this.#server, 'close')
    for (const bytes of this.#kept ?? []) this.#server.write(bytes)
    this.#server.end()
    await closed
  }

  end(): void {
    this.#server.destroy()
  }
}

export class RedisRelay {
  readonly #server: Server
  readonly #open: RelayedConnection[] = []

  /** To a Redis on a port of this machine. */
  constructor(to: number) {
    this.#server = createServer({ allowHalfOpen: true }, (client) => {
      this.#open.push(new RelayedConnection(client, to))
    })
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get newest(): RelayedConnection {
    return this.#open.at(-1)!
  }

  async start(): Promise<void> {
    this.#server.listen(0, '127.0.0.1')
    await once(this.#server, 'listening')
  }

  close(): void {
    this.#server.close()
    for (const connection of this.#open) connection.end()
  }
}
