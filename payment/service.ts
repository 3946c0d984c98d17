/** The payment service: its routes and its part in checkouts. */
import { Participant } from '../lib/engine/participant.ts'
import { participantMetrics } from '../lib/engine/participant-metrics.ts'
import { participantRoutes } from '../lib/engine/participant-routes.ts'
import { recordsRoute } from '../lib/engine/records.ts'
import type { Service, ServicePorts } from '../lib/engine/service.ts'
import { type AccountRecord, accountDomain } from './account.ts'
import { Payment, userKey, userPrefix } from './payment.ts'
import { paymentRoutes } from './routes.ts'

export function createPaymentService(ports: ServicePorts): Service {
  const payment = new Payment(ports)
  const participant = new Participant<AccountRecord>({
    ...ports,
    service: 'payment',
    domain: accountDomain,
    recordKey: userKey,
  })
  return {
    name: 'payment',
    routes: [
      ...paymentRoutes(payment),
      ...participantRoutes('payment', participant, ports.storage),
      recordsRoute('/internal/payment/users', ports.storage, userPrefix),
    ],
    metrics: participantMetrics(participant),
    async start() {
      await ports.bus.consume('payment', participant)
    },
    async stop() {
      participant.close()
      payment.close()
    },
  }
}
