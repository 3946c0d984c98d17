/**
 * The whole shop in one process: every service over a database of its own, the in-process bus
 * between them, one public server (the gateway's routes) and one internal server, on loopback.
 *
 * Promise: what the distributed shop promises, over the same ports; nothing is short-cut because it
 * is one process. Killed at any moment, it finishes on the next start what it began.
 */
import { join } from 'node:path'
import { internalRoutes, publicRoutes } from '../gateway/service.ts'
import { openLocalBus } from '../lib/bus/local.ts'
import type { Service, ServicePorts } from '../lib/engine/service.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'
import { createHttpServer } from '../lib/runtime/http.ts'
import type { Log } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { lockDirectory } from '../lib/storage/lock.ts'
import { openStorage } from '../lib/storage/open.ts'
import { createOrchestratorService } from '../orchestrator/service.ts'
import { createOrderService } from '../order/service.ts'
import { createPaymentService } from '../payment/service.ts'
import { createStockService } from '../stock/service.ts'
import { makeDataDirectory } from './data-directory.ts'

export interface EmbeddedShop {
  readonly port: number
  readonly internalPort: number
  readonly services: readonly Service[]
  /** Stops accepting, lets requests under way end, then closes services, bus and databases. */
  close(): Promise<void>
}

export interface EmbeddedShopOptions {
  readonly config: Config
  readonly log: Log
  /** A database can no longer be written: the process should say so and end. */
  onFailure(error: Error): void
}

const factories = {
  stock: createStockService,
  payment: createPaymentService,
  order: createOrderService,
  orchestrator: createOrchestratorService,
} as const

/** Throws ShopError with a sentence that says what to do; nothing is left open then. */
export async function openEmbeddedShop(options: EmbeddedShopOptions): Promise<EmbeddedShop> {
  const { config, log, onFailure } = options
  const opened: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each()
  }
  try {
    makeDataDirectory(config.data)
    const lock = lockDirectory(config.data)
    opened.push(() => lock.release())
    const bus = openLocalBus({
      partitions: config.partitions,
      onError: (topic, error) => log.warn('messages not handled', { topic, error }),
    })
    const services: Service[] = []
    for (const [name, create] of Object.entries(factories)) {
      const storage = await openStorage('lmdb', {
        path: join(config.data, name),
        partitions: config.partitions,
        onFailure,
      })
      opened.push(() => storage.close())
      const ports: ServicePorts = {
        config,
        storage,
        bus,
        clock: systemClock,
        random: systemRandom,
        log: log.child({ service: name }),
      }
      services.push(create(ports))
    }
    opened.push(() => bus.close())
    for (const service of services) {
      opened.push(() => service.stop())
      await service.start()
    }
    const shared = { config, log, clock: systemClock }
    const internal = createHttpServer({
      ...shared,
      routes: internalRoutes(services),
      settings: { host: 'INTERNAL_HOST', port: 'INTERNAL_PORT' },
    })
    const { port: internalPort } = await internal.listen(config.internalHost, config.internalPort)
    opened.push(() => internal.close())
    const gateway = createHttpServer({ ...shared, routes: publicRoutes(services) })
    const { port } = await gateway.listen(config.host, config.port)
    opened.push(() => gateway.close())
    return { port, internalPort, services, close }
  } catch (error) {
    await close()
    throw error
  }
}
