/**
 * The whole shop in one process: every service over a database of its own, the in-process bus
 * between them, one public server (the gateway's routes) and one internal server, on loopback.
 *
 * Promise: what the distributed shop promises, over the same ports; nothing is short-cut because it
 * is one process. Killed at any moment, it finishes on the next start what it began.
 */
import { internalRoutes, publicRoutes } from '../gateway/service.ts'
import { openBus } from '../lib/bus/open.ts'
import type { CreateService } from '../lib/engine/process.ts'
import { openInternalServer } from '../lib/engine/servers.ts'
import type { Service } from '../lib/engine/service.ts'
import { Vitals } from '../lib/engine/vitals.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { openFront } from '../lib/runtime/front.ts'
import type { Log } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { openSpans } from '../lib/runtime/spans.ts'
import { lockDirectory } from '../lib/storage/lock.ts'
import { openStorage } from '../lib/storage/open.ts'
import { createOrchestratorService } from '../orchestrator/service.ts'
import { createOrderService } from '../order/service.ts'
import { createPaymentService } from '../payment/service.ts'
import { createStockService } from '../stock/service.ts'
import { makeDataDirectory } from './data-directory.ts'
import { isEngineData } from './engines/engine-file.ts'

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
  /** How services are made, where it is not as usual: tests watch them. */
  readonly factories?: Factories
}

export type Factories = Readonly<Record<Service['name'], CreateService>>

export const factories: Factories = {
  stock: createStockService,
  payment: createPaymentService,
  order: createOrderService,
  orchestrator: createOrchestratorService,
}

/** Throws ShopError with a sentence that says what to do; nothing is left open then. */
export async function openEmbeddedShop(options: EmbeddedShopOptions): Promise<EmbeddedShop> {
  const { config, log, onFailure } = options
  const opened: (() => Promise<void> | void)[] = []
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each()
  }
  requireEmbeddedEngines(config)
  requireEmbeddedData(config.data)
  try {
    makeDataDirectory(config.data)
    const lock = lockDirectory(config.data)
    opened.push(() => lock.release())
    const vitals = new Vitals()
    const serving = { config, log, clock: systemClock }
    const internal = await openInternalServer({ ...serving, routes: vitals.routes })
    opened.push(() => internal.close())
    const spans = openSpans({ ...serving, service: 'shop' })
    if (spans !== undefined) {
      vitals.addSpans(spans)
      opened.push(() => spans.close())
    }
    const bus = await openBus({ config, log })
    vitals.addBus(bus)
    const services: Service[] = []
    for (const [name, create] of Object.entries(options.factories ?? factories)) {
      const storage = await openStorage({ config, name, log, onFailure })
      opened.push(() => storage.close())
      vitals.addStorage(name as Service['name'], storage)
      const ports = { config, storage, bus, log: log.child({ service: name }) }
      services.push(
        create({ ...ports, clock: systemClock, random: systemRandom, ...(spans && { spans }) }),
      )
    }
    opened.push(() => bus.close())
    for (const service of services) {
      opened.push(() => service.stop())
      await service.start()
      vitals.addService(service)
    }
    internal.serve([...vitals.routes, ...internalRoutes(services)])
    const gateway = await openFront({ config, log, onFailure, routes: publicRoutes(services) })
    opened.push(() => gateway.close())
    opened.push(() => vitals.stopping())
    vitals.serving()
    return { port: gateway.port, internalPort: internal.port, services, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Four services on one Redis would write over each other's records. */
function requireEmbeddedEngines({ storage, bus }: Config): void {
  if (storage !== 'redis' && bus !== 'kafka') return
  throw new ShopError(
    'invalid_settings',
    `STORAGE=${storage}, BUS=${bus}: one process holds the whole shop here, on lmdb and local. ` +
      'For Redis and Kafka give --engines redis-kafka.',
  )
}

/** The data of a shop of processes belongs to its own Redis and Kafka. */
function requireEmbeddedData(data: string): void {
  if (!isEngineData(data)) return
  throw new ShopError(
    'data_unreadable',
    `${data} holds the data of a shop of processes: give --engines redis-kafka, or another --data.`,
  )
}
