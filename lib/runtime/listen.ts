/**
 * Opens a port. `localhost` means 127.0.0.1 and ::1, both with the same port, because clients
 * differ in which of them they try; a machine without one of them is served on the other.
 */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ShopError } from './errors.ts'

/** The settings that a sentence about a port that cannot be opened tells to change. */
export interface PortSettings {
  readonly host: string
  readonly port: string
}

/**
 * Connections that wait to be accepted, as far as the system lets them (`net.core.somaxconn`). What
 * comes to a full queue is dropped without a word, and its client tries again after 1, 3, 7, 15 s:
 * a crowd that comes at once would meet that with Node's 511.
 */
const backlog = 4_096

/** How often a free port is looked for that is free on both addresses of localhost. */
const portTries = 10
const missingAddress = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT'])

/**
 * Servers that listen, all on one port. Throws `port_taken` or `invalid_settings`; none is left.
 */
export async function listenOn(
  host: string,
  port: number,
  create: () => Server,
  settings: PortSettings,
): Promise<{ servers: readonly Server[]; port: number }> {
  const addresses = host === 'localhost' ? ['127.0.0.1', '::1'] : [host]
  for (let tries = 1; ; tries++) {
    const servers: Server[] = []
    let chosen = port
    let failure: NodeJS.ErrnoException | undefined
    for (const address of addresses) {
      try {
        const server = create()
        chosen = await open(server, address, chosen)
        servers.push(server)
      } catch (error) {
        failure = error as NodeJS.ErrnoException
        if (!missingAddress.has(failure.code ?? '')) break
        if (servers.length > 0) failure = undefined
      }
    }
    if (servers.length > 0 && (!failure || missingAddress.has(failure.code ?? ''))) {
      return { servers, port: chosen }
    }
    await Promise.all(servers.map(closed))
    const anotherMayBeFree = port === 0 && failure?.code === 'EADDRINUSE' && tries < portTries
    if (!anotherMayBeFree) throw sentence(failure!, host, port, settings)
  }
}

function open(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog }, () => {
      server.off('error', reject)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

const closed = (server: Server) => new Promise<void>((resolve) => server.close(() => resolve()))

function sentence(
  error: NodeJS.ErrnoException,
  host: string,
  port: number,
  settings: PortSettings,
): ShopError {
  const given = `${settings.port}=${port}`
  if (error.code === 'EADDRINUSE') {
    const advice = `Stop it, or set ${settings.port} to another port (0 takes any free one).`
    return new ShopError('port_taken', `${given}: another process listens there. ${advice}`, error)
  }
  if (error.code === 'EACCES') {
    const advice = `Set ${settings.port} to 1024 or more.`
    return new ShopError(
      'invalid_settings',
      `${given}: this user may not open it. ${advice}`,
      error,
    )
  }
  const advice = `Set ${settings.host} to an address of this machine, or to localhost.`
  const why = `cannot listen there (${error.code ?? error.message})`
  return new ShopError('invalid_settings', `${settings.host}=${host}: ${why}. ${advice}`, error)
}
