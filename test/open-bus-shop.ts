/**
 * The whole shop in this process, over memory and the in-process bus, with its bus in the caller's
 * hands: what is said on it can be heard, and anything can be said to anyone.
 */
import { internalRoutes, publicRoutes } from '../gateway/service.ts'
import type { Bus } from '../lib/bus/bus.ts'
import { openLocalBus } from '../lib/bus/local.ts'
import type { ServicePorts } from '../lib/engine/service.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Overrides, readConfig } from '../lib/runtime/config.ts'
import { createHttpServer } from '../lib/runtime/http.ts'
import type { Fields, Log } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { openMemoryStorage } from '../lib/storage/memory.ts'
import { createOrchestratorService } from '../orchestrator/service.ts'
import { createOrderService } from '../order/service.ts'
import { createPaymentService } from '../payment/service.ts'
import type { Message, Topic } from '../protocol/messages.ts'
import { createStockService } from '../stock/service.ts'
import { httpRecords } from './http-records.ts'
import type { RunningShop } from './running-shop.ts'
import { Shop } from './shop.ts'
import type { Variant } from './variants.ts'

export interface Said {
  readonly topic: Topic
  readonly partition: number
  readonly message: Message
}

export interface OpenBusShop extends RunningShop {
  readonly partitions: number
  /** Everything that the services have said, newest last. */
  readonly said: readonly Said[]
  /** Lines at warn and above. */
  readonly complaints: readonly string[]
  say(said: Said): void
  /** From now on nothing that services say reaches this partition of a topic. */
  cutOff(topic: Topic, partition: number): void
}

export async function openBusShop(variant: Variant, settings: Overrides): Promise<OpenBusShop> {
  const { protocol, coordination } = variant
  const config = readConfig({ protocol, coordination, audit: 'true', ...settings }, {})
  const { partitions } = config
  const complaints: string[] = []
  const log = collecting(complaints)
  const said: Said[] = []
  const cut = new Set<string>()
  const local = openLocalBus({
    partitions,
    onError: (topic, error) => complaints.push(`${topic}: ${error}`),
  })
  const bus: Bus = {
    ...local,
    send(topic, partition, message) {
      said.push({ topic, partition, message })
      if (!cut.has(`${topic}/${partition}`)) local.send(topic, partition, message)
    },
  }
  const create = async (
    factory: (ports: ServicePorts) => ReturnType<typeof createStockService>,
  ) => {
    const storage = await openMemoryStorage({ partitions })
    return factory({ config, storage, bus, log, clock: systemClock, random: systemRandom })
  }
  const services = [
    await create(createStockService),
    await create(createPaymentService),
    await create(createOrderService),
    await create(createOrchestratorService),
  ]
  for (const service of services) await service.start()
  const serve = async (routes: Parameters<typeof createHttpServer>[0]['routes']) => {
    const server = createHttpServer({ routes, config, log, clock: systemClock })
    return { server, port: (await server.listen('127.0.0.1', 0)).port }
  }
  const internal = await serve(internalRoutes(services))
  const outside = await serve(publicRoutes(services))
  const shop = new Shop(`http://127.0.0.1:${outside.port}`, 32)
  const records = httpRecords(`http://127.0.0.1:${internal.port}`)
  return {
    variant,
    shop,
    records,
    partitions,
    said,
    complaints,
    cutOff: (topic, partition) => void cut.add(`${topic}/${partition}`),
    say: ({ topic, partition, message }) => local.send(topic, partition, message),
    async close() {
      await Promise.all([shop.close(), records.close()])
      await outside.server.close()
      for (const service of services) await service.stop()
      await local.close()
      await internal.server.close()
    },
  }
}

function collecting(complaints: string[]): Log {
  const note = (message: string, fields: Fields = {}) =>
    complaints.push(`${message} ${JSON.stringify(fields)}`)
  const log: Log = {
    fatal: note,
    error: note,
    warn: note,
    info: () => {},
    debug: () => {},
    child: () => log,
  }
  return log
}
