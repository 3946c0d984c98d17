/**
 * The orchestrator: the same coordinator as in the order service, with a log of its own. Here the
 * order is a participant like stock and payment.
 */
import { CoordinatorHost } from '../lib/engine/coordinator-host.ts'
import { coordinatorMetrics } from '../lib/engine/coordinator-metrics.ts'
import { coordinatorRoutes } from '../lib/engine/coordinator-routes.ts'
import { CoordinatorCounters } from '../lib/engine/counters.ts'
import type { Service, ServicePorts } from '../lib/engine/service.ts'

export function createOrchestratorService(ports: ServicePorts): Service {
  const counters = new CoordinatorCounters(ports.spans)
  const host = new CoordinatorHost({
    ...ports,
    home: 'orchestrator',
    protocol: ports.config.protocol,
    counters,
  })
  return {
    name: 'orchestrator',
    routes: coordinatorRoutes('orchestrator', host, counters, ports.storage),
    metrics: coordinatorMetrics('orchestrator', host, counters),
    async start() {
      await ports.bus.consume('orchestrator', host)
    },
    async stop() {
      host.close()
    },
  }
}
