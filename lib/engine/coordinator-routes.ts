/** Internal routes of a coordinator: its open transactions, and one of any age from its log. */
import { parseTransactionId } from '../../protocol/transaction-id.ts'
import { json, problem, type Route } from '../runtime/route.ts'
import type { Storage } from '../storage/storage.ts'
import type { CoordinatorHost } from './coordinator-host.ts'
import type { CoordinatorCounters } from './counters.ts'
import { logKey, logPrefix } from './keys.ts'
import { recordsRoute } from './records.ts'

const shared = { method: 'GET', parameters: {}, visibility: 'internal' } as const

export function coordinatorRoutes(
  service: string,
  host: CoordinatorHost,
  counters: CoordinatorCounters,
  storage: Storage,
): readonly Route[] {
  return [
    {
      ...shared,
      path: `/internal/${service}/open`,
      summary: 'Open transactions, oldest first in each partition, and which partitions these are',
      answer: { type: 'object' },
      problems: [],
      handle: async () =>
        json({
          open: [...host.partitions.values()].flatMap((partition) => partition.list()),
          owned: [...host.partitions.keys()],
          partitions: storage.partitions,
        }),
    },
    {
      ...shared,
      path: `/internal/${service}/transaction`,
      summary: 'What the decision log says of the transaction ?id=',
      answer: { type: 'object' },
      problems: ['invalid_request'],
      async handle({ query }) {
        const id = parseTransactionId(query.get('id') ?? '')
        if (id === undefined || id.partition >= storage.partitions) {
          return problem('invalid_request', 'id must be a transaction id, such as order.0.1.42.')
        }
        return json({ state: (await storage.read(id.partition, logKey(id))) ?? null })
      },
    },
    {
      ...shared,
      path: `/internal/${service}/coordinator-counters`,
      summary: 'What this coordinator has counted since it started',
      answer: { type: 'object' },
      problems: [],
      handle: async () => json(countersOf(counters)),
    },
    recordsRoute(`/internal/${service}/log`, storage, logPrefix),
  ]
}

const countersOf = ({ phases: _, ends, ...counted }: CoordinatorCounters): object => ({
  ...counted,
  ends: { '2pc': Object.fromEntries(ends['2pc']), saga: Object.fromEntries(ends.saga) },
})
