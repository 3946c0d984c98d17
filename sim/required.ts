/** What a campaign of some size must have reached, or it has proved nothing about it. */
import type { Variant } from './draw.ts'
import { faultKinds } from './faults.ts'
import type { Kind } from './kinds.ts'

const always: readonly string[] = [
  ...faultKinds.map((kind) => `fault: ${kind}`),
  'bus: lost',
  'bus: repeated',
  'bus: delayed',
  'bus: rebalanced',
  'bus: rebalanced back',
  'bus: zombie',
  'bus: two holders at once',
  'bus: not acknowledged',
  'bus: assignment failed',
  'storage: failed before a read',
  'storage: failed before a write',
  'storage: failed after a write',
  'storage: answered late',
  'storage: effect after death',
  'storage: step run twice',
  'process: crashed',
  'process: paused',
  'process: stopped',
  'log: coordinator partition lost',
  'log: coordinator partition not opened',
  'sent: inquiry',
  'answer: checkout 200 ',
  'answer: checkout 0 cut off',
  'answer: checkout 400 insufficient_stock',
  'answer: checkout 400 insufficient_credit',
  'answer: checkout 409 timed_out',
  'answer: checkout 503 not_known_yet',
  'answer: addItem 409 in_checkout',
  'answer: addItem 409 order_paid',
  'answer: batch_init 200 ',
  'linearizable: linearizable',
]

const twoPhase: readonly string[] = [
  '2pc log: none -> preparing',
  '2pc log: preparing -> committing',
  '2pc log: preparing -> aborting',
  '2pc log: committing -> ended',
  '2pc log: aborting -> ended',
  ...['stock', 'payment'].flatMap((service) => [
    `${service} branch: none -> prepared`,
    `${service} branch: none -> refused`,
    `${service} branch: none -> aborted`,
    `${service} branch: prepared -> committed`,
    `${service} branch: prepared -> aborted`,
  ]),
]

const saga: readonly string[] = [
  'saga log: paying -> compensating',
  'saga log: compensating -> ended',
  ...['stock', 'payment'].flatMap((service) => [
    `${service} branch: none -> executed`,
    `${service} branch: none -> refused`,
    `${service} branch: none -> compensated`,
    `${service} branch: executed -> compensated`,
  ]),
]

/** The order lies in the coordinator's own database and is frozen with the start. */
const sagaOfOrder: readonly string[] = [
  'saga log: none -> executing',
  'saga log: executing -> paying',
  'saga log: executing -> compensating',
]

const sagaOfOrchestrator: readonly string[] = [
  'saga log: none -> freezing',
  'saga log: freezing -> paying',
  'saga log: freezing -> compensating',
]

const orchestrated: readonly string[] = [
  'order branch: none -> prepared',
  'order branch: none -> refused',
  'order branch: none -> aborted',
  'order branch: prepared -> committed',
  'order branch: prepared -> aborted',
  'sent: checkout',
  'sent: outcome',
]

/** Both protocols with both coordinators: what leads from any variant to each of the others. */
const ofRollouts: readonly string[] = [
  'process: other settings',
  '2pc log: none -> preparing',
  '2pc log: committing -> ended',
  'saga log: none -> executing',
  'saga log: none -> freezing',
  'order branch: prepared -> committed',
]

/** Those have few kinds of faults, and what these do to owners. */
const ofOvertaken: readonly string[] = [
  ...['rebalance', 'pause', 'stop', 'cut-in', 'storage-away', 'storage-slow'].map(
    (kind) => `fault: ${kind}`,
  ),
  'bus: rebalanced',
  'bus: zombie',
  'bus: two holders at once',
  'log: coordinator partition lost',
  'sent: inquiry',
  'answer: checkout 200 ',
  'linearizable: linearizable',
]

/** Campaigns of fewer histories than this are not asked. */
export const enoughHistories = 1_000

export function requiredOf(kind: Kind, variant: Variant): readonly string[] {
  if (kind === 'rollout') return [...always, ...ofRollouts]
  if (kind === 'overtaken') return ofOvertaken
  if (kind === 'crowds')
    return [...always, 'storage: turned away', 'answer: checkout 503 overloaded']
  const isOrchestrated = variant.endsWith('orchestrator')
  const ofSaga = [...saga, ...(isOrchestrated ? sagaOfOrchestrator : sagaOfOrder)]
  const protocol = variant.startsWith('saga') ? ofSaga : twoPhase
  return [...always, ...protocol, ...(isOrchestrated ? orchestrated : [])]
}
