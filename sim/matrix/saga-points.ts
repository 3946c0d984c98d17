/** S0 to S7, and O1 to O3 where the orchestrator coordinates: the points of the saga. */
import type { Home } from '../../protocol/messages.ts'
import { noEffect, oneAnswer, type Point, tellingOnly } from './point.ts'
import {
  answers,
  asks,
  branched,
  commands,
  forwards,
  logged,
  readsOrder,
  replies,
  tells,
} from './steps.ts'

const begun = logged(['freezing', 'executing'])
const compensated = logged(['ended'], 'compensating', 'aborted')
const answersPaid = answers((status) => status === 200)
const answersRefused = answers((status) => status >= 400 && status < 500)

export function sagaPoints(home: Home): readonly Point[] {
  const isLocal = home === 'order'
  const paid = isLocal
    ? logged(['ended', 'committing'], 'paying', 'committed')
    : branched('committed', 'order')
  return [
    {
      name: 'S0',
      text: 'accepted: the order is being read, nothing is written',
      ...{ scene: 'paid', at: readsOrder, when: 'reads', message: asks },
      ...{ before: readsOrder, after: noEffect },
    },
    {
      name: 'S1',
      text: 'begun: the log has it (and, beside the log, the order is frozen)',
      ...{ scene: 'paid', at: begun, when: 'written' },
      message: isLocal ? commands('execute', 'stock') : commands('prepare', 'order'),
      ...{ before: begun, after: begun },
    },
    {
      name: 'S2',
      text: 'stock is taken, its reply is on its way',
      ...{ scene: 'paid', at: replies('yes', 'execute', 'stock'), when: 'sends' },
      message: replies('yes', 'execute', 'stock'),
      ...{ before: branched('executed', 'stock'), after: branched('executed', 'stock') },
    },
    {
      name: 'S3',
      text: 'credit is taken, its reply is on its way',
      ...{ scene: 'paid', at: replies('yes', 'execute', 'payment'), when: 'sends' },
      message: replies('yes', 'execute', 'payment'),
      ...{ before: branched('executed', 'payment'), after: branched('executed', 'payment') },
    },
    {
      name: 'S4',
      text: 'the order is paid, the client is not answered',
      ...{ scene: 'paid', at: paid, when: 'written', message: answersPaid },
      ...{ before: paid, after: paid, onlyOnce: oneAnswer },
    },
    {
      name: 'S5',
      text: 'payment has refused, nothing is compensated',
      ...{ scene: 'refused', at: branched('refused', 'payment'), when: 'written' },
      message: replies('refused', 'execute', 'payment'),
      ...{ before: branched('refused', 'payment'), after: branched('refused', 'payment') },
    },
    {
      name: 'S6',
      text: 'stock is compensated, its ack is on its way',
      ...{ scene: 'refused', at: replies('done', 'compensate', 'stock'), when: 'sends' },
      message: replies('done', 'compensate', 'stock'),
      ...{ before: branched('compensated', 'stock'), after: branched('compensated', 'stock') },
    },
    {
      name: 'S7',
      text: 'the failure is durable and told',
      ...{ scene: 'refused', at: compensated, when: 'written', message: answersRefused },
      ...{ before: compensated, after: compensated, onlyOnce: oneAnswer },
    },
  ]
}

const decided = logged(['committing'], 'paying')
const acknowledged = logged(['ended'], 'committing')

export const sagaOrchestratorPoints: readonly Point[] = [
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
    ...{ before: decided, after: decided },
  },
  {
    name: 'O3',
    text: 'the order is told and paid, its ack is on its way',
    ...{ scene: 'paid', at: replies('done', 'commit', 'order'), when: 'sends' },
    message: replies('done', 'commit', 'order'),
    ...{ before: acknowledged, after: acknowledged },
  },
]
