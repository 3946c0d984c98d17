/**
 * The two HTTP servers of a process: the internal one for who looks after the shop, from the first
 * moment to the last; the public one for the gateway and its clients. The embedded shop and each
 * service process open them alike.
 */
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { createHttpServer, type HttpServer } from '../runtime/http.ts'
import type { Log } from '../runtime/log.ts'
import type { Route } from '../runtime/route.ts'

export interface ServerOptions {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly routes: readonly Route[]
}

export interface OpenServer extends Pick<HttpServer, 'serve' | 'close'> {
  readonly port: number
}

/** The longest that `close` of a server takes. */
export const serverClosesWithinMs = ({ drainMs }: Pick<Config, 'drainMs'>) => drainMs

/** Throws ShopError `port_taken` or `invalid_settings`; nothing is left open then. */
export async function openInternalServer(options: ServerOptions): Promise<OpenServer> {
  const { internalHost, internalPort } = options.config
  const settings = { host: 'INTERNAL_HOST', port: 'INTERNAL_PORT' }
  return listening(createHttpServer({ ...options, settings }), internalHost, internalPort)
}

/** Throws as `openInternalServer`. */
export async function openPublicServer(options: ServerOptions): Promise<OpenServer> {
  return listening(createHttpServer(options), options.config.host, options.config.port)
}

async function listening(server: HttpServer, host: string, wanted: number): Promise<OpenServer> {
  const { port } = await server.listen(host, wanted)
  return { port, serve: (routes) => server.serve(routes), close: () => server.close() }
}
