/**
 * The public routes of each service, as the gateway needs them: asked of the services themselves,
 * over storage in memory, without starting them.
 */
import { openLocalBus } from '../../lib/bus/local.ts'
import type { Service } from '../../lib/engine/service.ts'
import type { Clock } from '../../lib/runtime/clock.ts'
import { readConfig } from '../../lib/runtime/config.ts'
import { createLog } from '../../lib/runtime/log.ts'
import { openapiDocument } from '../../lib/runtime/openapi.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import type { Route } from '../../lib/runtime/route.ts'
import { openMemoryStorage } from '../../lib/storage/memory.ts'
import { createOrderService } from '../../order/service.ts'
import { createPaymentService } from '../../payment/service.ts'
import { createStockService } from '../../stock/service.ts'

/** Time that never comes: nothing of these services ever runs. */
const noTime: Clock = {
  now: () => 0,
  wallTime: () => 0,
  after: () => ({ cancel() {} }),
  every: () => ({ cancel() {} }),
  sleep: () => new Promise(() => {}),
}

const factories = [createOrderService, createPaymentService, createStockService] as const

export interface ServiceRoutes {
  readonly service: Service['name']
  readonly routes: readonly Route[]
}

export async function publicRoutesByService(): Promise<readonly ServiceRoutes[]> {
  const config = readConfig({}, {})
  const bus = openLocalBus({ partitions: 1, onError: () => {} })
  const storage = await openMemoryStorage({ partitions: 1 })
  const log = createLog('silent')
  const ports = { config, bus, storage, log, clock: noTime, random: systemRandom }
  return factories.map((create) => {
    const { name, routes } = create(ports)
    return { service: name, routes: routes.filter(({ visibility }) => visibility === 'public') }
  })
}

/** The OpenAPI document of all of them, as nginx serves it: the one of the embedded gateway. */
export function openapiText(services: readonly ServiceRoutes[]): string {
  const routes = services.flatMap(({ routes }) => routes)
  return `${JSON.stringify(openapiDocument(routes))}\n`
}
