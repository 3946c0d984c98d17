/**
 * The two HTTP servers of a process: public routes for the gateway and its clients, internal ones
 * for who looks after the shop. The embedded shop and each service process open them alike.
 */
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { createHttpServer } from '../runtime/http.ts'
import type { Log } from '../runtime/log.ts'
import type { Route } from '../runtime/route.ts'

export interface ServersOptions {
  readonly config: Config
  readonly log: Log
  readonly clock: Clock
  readonly publicRoutes: readonly Route[]
  readonly internalRoutes: readonly Route[]
}

export interface Servers {
  readonly port: number
  readonly internalPort: number
  /**
   * Lets public requests under way end first, for DRAIN_MS at most; internal questions are answered
   * until then, so that who watches sees the process drain.
   */
  close(): Promise<void>
}

/** The longest that `close` takes: both may have to drain. */
export const serversCloseWithinMs = ({ drainMs }: Pick<Config, 'drainMs'>) => 2 * drainMs

/** Throws ShopError `port_taken` or `invalid_settings`; nothing is left open then. */
export async function openServers(options: ServersOptions): Promise<Servers> {
  const { config, log, clock, publicRoutes, internalRoutes } = options
  const shared = { config, log, clock }
  const internal = createHttpServer({
    ...shared,
    routes: internalRoutes,
    settings: { host: 'INTERNAL_HOST', port: 'INTERNAL_PORT' },
  })
  const { port: internalPort } = await internal.listen(config.internalHost, config.internalPort)
  const outer = createHttpServer({ ...shared, routes: publicRoutes })
  try {
    const { port } = await outer.listen(config.host, config.port)
    const close = async () => {
      await outer.close()
      await internal.close()
    }
    return { port, internalPort, close }
  } catch (error) {
    await internal.close()
    throw error
  }
}
