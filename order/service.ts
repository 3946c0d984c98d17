/**
 * The order service: its routes, the coordinator that lives in it, and its part in checkouts that
 * the orchestrator coordinates. Both are always there, because the log may hold transactions of
 * another variant; COORDINATION only says who runs the new ones.
 */
import { Asker } from '../lib/engine/asker.ts'
import { coordinatorByHome } from '../lib/engine/coordinator-by-home.ts'
import { CoordinatorHost } from '../lib/engine/coordinator-host.ts'
import { coordinatorMetrics } from '../lib/engine/coordinator-metrics.ts'
import { coordinatorRoutes } from '../lib/engine/coordinator-routes.ts'
import { CoordinatorCounters } from '../lib/engine/counters.ts'
import { Idempotency } from '../lib/engine/idempotency.ts'
import { localBranch } from '../lib/engine/local-branch.ts'
import { nearestCoordinator } from '../lib/engine/nearest-coordinator.ts'
import { Participant } from '../lib/engine/participant.ts'
import { participantMetrics } from '../lib/engine/participant-metrics.ts'
import { participantRoutes } from '../lib/engine/participant-routes.ts'
import { recordsRoute } from '../lib/engine/records.ts'
import { remoteCoordinator } from '../lib/engine/remote-coordinator.ts'
import type { Service, ServicePorts } from '../lib/engine/service.ts'
import type { Home } from '../protocol/messages.ts'
import { Checkouts } from './checkout.ts'
import { type OrderRecord, orderDomain } from './order.ts'
import { Orders, orderKey, orderPrefix } from './orders.ts'
import { orderRoutes } from './routes.ts'

export function createOrderService(ports: ServicePorts): Service {
  const { config, storage } = ports
  const asker = new Asker(ports)
  const idempotency = new Idempotency(ports)
  const records = { service: 'order', domain: orderDomain, recordKey: orderKey } as const
  const participant = new Participant<OrderRecord>({ ...ports, ...records })
  const counters = new CoordinatorCounters(ports.spans)
  const host = new CoordinatorHost({
    ...ports,
    home: 'order',
    protocol: config.protocol,
    counters,
    local: localBranch(records),
  })
  const remote = (home: Home) =>
    remoteCoordinator({ home, asker, partitions: storage.partitions, config })
  const coordinator = coordinatorByHome(config.coordination, {
    order: nearestCoordinator(host, remote('order')),
    orchestrator: remote('orchestrator'),
  })
  const orders = new Orders({ ...ports, asker, idempotency })
  const checkouts = new Checkouts({ ...ports, orders, coordinator, idempotency })

  return {
    name: 'order',
    routes: [
      ...orderRoutes(orders, checkouts),
      ...participantRoutes('order', participant, storage),
      ...coordinatorRoutes('order', host, counters, storage),
      recordsRoute('/internal/order/orders', storage, orderPrefix),
    ],
    metrics: [
      ...checkouts.metrics,
      ...asker.metrics,
      ...participantMetrics(participant),
      ...coordinatorMetrics('order', host, counters),
    ],
    async start() {
      await asker.start()
      await ports.bus.consume('order', participant)
      await ports.bus.consume('order-coordinator', host)
    },
    async stop() {
      await asker.close()
      participant.close()
      idempotency.close()
      host.close()
    },
  }
}
