/** What a coordinator tells of its transactions, from its counters and from what is open. */
import type { Home } from '../../protocol/messages.ts'
import type { Phase } from '../../protocol/protocol.ts'
import { type Metric, single } from '../runtime/metric.ts'
import type { CoordinatorHost } from './coordinator-host.ts'
import type { CoordinatorCounters } from './counters.ts'

const totals = [
  ['till_transactions_started_total', 'Transactions that were begun', 'started'],
  [
    'till_transactions_turned_away_total',
    'Checkouts that were not begun, since too many decisions waited for participants',
    'turnedAway',
  ],
  [
    'till_transactions_recovered_total',
    'Open transactions that were found in the log and driven on',
    'recovered',
  ],
  [
    'till_resends_total',
    'Times that the unanswered commands of a transaction were sent again',
    'resends',
  ],
  [
    'till_transactions_parked_total',
    'Transactions with a branch that contradicted the decision: a person must look',
    'parked',
  ],
] as const

const protocolNames = ['2pc', 'saga'] as const

export function coordinatorMetrics(
  home: Home,
  host: CoordinatorHost,
  counters: CoordinatorCounters,
): readonly Metric[] {
  const variants = protocolNames.map((protocol) => ({ protocol, variant: `${protocol}/${home}` }))
  const open = () => [...host.partitions.values()].flatMap((partition) => partition.list())
  const oldestMs = () => open().reduce((oldest, { ageMs }) => Math.max(oldest, ageMs), 0)
  return [
    {
      kind: 'counter',
      name: 'till_transactions_total',
      help: 'Transactions that ended, by variant and how: committed, or the reason of the abort',
      read: () =>
        variants.flatMap(({ protocol, variant }) =>
          [...counters.ends[protocol]].map(([end, value]) => ({ labels: { variant, end }, value })),
        ),
    },
    {
      kind: 'histogram',
      name: 'till_phase_seconds',
      help: 'How long transactions stayed in each phase of their protocol, log writes included',
      read: () =>
        variants.flatMap(({ protocol, variant }) =>
          Object.entries(counters.phases[protocol])
            .filter(([phase, { counts }]) => isPhaseLeft(phase as Phase, counts))
            .map(([phase, histogram]) => ({ labels: { variant, phase }, histogram })),
        ),
    },
    single(
      'gauge',
      'till_transactions_open',
      'Transactions that have not ended',
      () => open().length,
    ),
    single(
      'gauge',
      'till_transaction_oldest_seconds',
      'Age of the oldest open transaction since this process drives it; 0 if none is open',
      () => oldestMs() / 1_000,
    ),
    single(
      'gauge',
      'till_coordinator_partitions',
      'Coordinator partitions that are open here',
      () => host.partitions.size,
    ),
    ...totals.map(([name, help, what]) => single('counter', name, help, () => counters[what])),
  ]
}

/** Phases of the other protocol, and the end, are never left: they would be rows of zeros. */
const isPhaseLeft = (phase: Phase, counts: Float64Array): boolean =>
  phase !== 'ended' && counts.some((count) => count > 0)
