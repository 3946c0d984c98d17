/** The stock service: its routes, its part in checkouts, and the price that order asks for. */
import { Participant } from '../lib/engine/participant.ts'
import { participantMetrics } from '../lib/engine/participant-metrics.ts'
import { participantRoutes } from '../lib/engine/participant-routes.ts'
import { recordsRoute } from '../lib/engine/records.ts'
import type { Service, ServicePorts } from '../lib/engine/service.ts'
import type { Message, PriceRequest } from '../protocol/messages.ts'
import { isSoundId } from '../protocol/soundness.ts'
import { type ItemRecord, itemDomain } from './item.ts'
import { stockRoutes } from './routes.ts'
import { itemKey, itemPrefix, Stock } from './stock.ts'

export function createStockService(ports: ServicePorts): Service {
  const stock = new Stock(ports)
  const participant = new Participant<ItemRecord>({
    ...ports,
    service: 'stock',
    domain: itemDomain,
    recordKey: itemKey,
  })

  const answerPrice = async ({ id, itemId, replyTo }: PriceRequest) => {
    const item = isSoundId(itemId) ? await stock.read(itemId) : undefined
    const priced = item === undefined ? {} : { price: item.price }
    ports.bus.send(replyTo.topic, replyTo.partition, { kind: 'priced', id, ...priced })
  }

  const receive = async (partition: number, messages: readonly Message[]) => {
    const prices = messages.filter((message) => message.kind === 'price')
    await Promise.all([
      participant.receive(partition, messages),
      ...prices.map((message) => answerPrice(message)),
    ])
  }

  return {
    name: 'stock',
    routes: [
      ...stockRoutes(stock),
      ...participantRoutes('stock', participant, ports.storage),
      recordsRoute('/internal/stock/items', ports.storage, itemPrefix),
    ],
    metrics: participantMetrics(participant),
    async start() {
      await ports.bus.consume('stock', {
        receive,
        assigned: (partition) => participant.assigned(partition),
        revoked: (partition) => participant.revoked(partition),
      })
    },
    async stop() {
      participant.close()
      stock.close()
    },
  }
}
