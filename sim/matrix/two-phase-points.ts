/** P0 to P9, and O1 to O3 where the orchestrator coordinates: the points of two-phase commit. */
import { noEffect, type Point, tellingOnly } from './point.ts'
import {
  answersFirst,
  asks,
  branched,
  commands,
  forwards,
  logged,
  readsOrder,
  replies,
  tells,
  where,
} from './steps.ts'

const begun = logged(['preparing'])
const decided = logged(['committing'], 'preparing')
const ended = logged(['ended'], 'committing')
const firstPrepared = where(branched('prepared'), (trace, next) => trace.prepared.size + next === 1)
const lastPrepared = where(
  branched('prepared'),
  (trace, next) => trace.prepared.size + next === trace.remote,
)
const firstVote = where(replies('yes', 'prepare'), ({ votedYes }) => votedYes.size === 1)
const lastVote = where(
  replies('yes', 'prepare'),
  ({ votedYes, remote, prepared }) => votedYes.size === remote && prepared.size === remote,
)
const firstCommitted = where(
  branched('committed'),
  (trace, next) => trace.committed.size + next === 1,
)
const firstDone = where(replies('done', 'commit'), ({ saidDone }) => saidDone.size === 1)
const lastDone = where(
  replies('done', 'commit'),
  ({ saidDone, remote }) => saidDone.size === remote,
)
const aborts = where(commands('abort'), ({ isRefused, prepared }) => isRefused && prepared.size > 0)
const undone = where(branched('aborted'), ({ prepared }) => prepared.size > 0)

export const twoPhasePoints: readonly Point[] = [
  {
    name: 'P0',
    text: 'accepted: the order is being read, nothing is written',
    ...{ scene: 'paid', at: readsOrder, when: 'reads', message: asks },
    ...{ before: readsOrder, after: noEffect },
  },
  {
    name: 'P1',
    text: 'begun: the log has it (and, beside the log, the order is frozen)',
    ...{ scene: 'paid', at: begun, when: 'written', message: commands('prepare') },
    ...{ before: begun, after: begun },
  },
  {
    name: 'P2',
    text: 'one participant has prepared',
    ...{ scene: 'paid', at: firstPrepared, when: 'written', message: firstVote },
    ...{ before: firstPrepared, after: firstPrepared },
  },
  {
    name: 'P3',
    text: 'all have prepared, the last vote is on its way',
    ...{ scene: 'paid', at: lastVote, when: 'sends', message: lastVote },
    ...{ before: lastPrepared, after: lastPrepared },
  },
  {
    name: 'P4',
    text: 'all votes are in, the decision is about to be written',
    ...{ scene: 'paid', at: decided, when: 'writing' },
    message: 'no message is on its way: the last vote is that of P3, the commit that of P5',
    before: decided,
    after: 'after its effect the decision is durable, which is P5',
  },
  {
    name: 'P5',
    text: 'the decision is durable, the client is not answered',
    ...{ scene: 'paid', at: decided, when: 'written', message: commands('commit') },
    before: 'before its effect the decision is not durable, which is P4',
    after: decided,
  },
  {
    name: 'P6',
    text: 'the client is answered, no commit has arrived',
    ...{ scene: 'paid', at: answersFirst, when: 'answers', message: commands('commit') },
    ...{ before: tellingOnly, after: tellingOnly, isAnsweredFirst: true },
  },
  {
    name: 'P7',
    text: 'one participant has committed',
    ...{ scene: 'paid', at: firstCommitted, when: 'written', message: firstDone },
    ...{ before: firstCommitted, after: firstCommitted },
  },
  {
    name: 'P8',
    text: 'all have committed, the end is about to be written',
    ...{ scene: 'paid', at: ended, when: 'writing', message: lastDone },
    ...{ before: ended, after: ended },
  },
  {
    name: 'P9',
    text: 'one has said no, an abort is on its way to one that has prepared',
    ...{ scene: 'refused', at: aborts, when: 'sends', message: aborts },
    ...{ before: undone, after: undone },
  },
]

const orderCommitted = branched('committed', 'order')

export const twoPhaseOrchestratorPoints: readonly Point[] = [
  {
    name: 'O1',
    text: 'forwarded to the orchestrator, nothing is stored',
    ...{ scene: 'paid', at: forwards, when: 'sends', message: forwards },
    ...{ before: tellingOnly, after: tellingOnly },
  },
  {
    name: 'O2',
    text: 'the outcome is durable and on its way to the order service',
    ...{ scene: 'paid', at: tells, when: 'sends', message: tells },
    ...{ before: tellingOnly, after: tellingOnly },
  },
  {
    name: 'O3',
    text: 'the order is told and has committed, its ack is on its way',
    ...{ scene: 'paid', at: replies('done', 'commit', 'order'), when: 'sends' },
    message: replies('done', 'commit', 'order'),
    ...{ before: orderCommitted, after: orderCommitted },
  },
]
