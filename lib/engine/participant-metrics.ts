/** What a participant tells of the commands that it obeyed, from its counters. */

import { type Metric, single } from '../runtime/metric.ts'
import type { Json } from '../storage/storage.ts'
import type { Participant } from './participant.ts'

export function participantMetrics<R extends Json>(participant: Participant<R>): readonly Metric[] {
  const { counters } = participant
  return [
    single(
      'counter',
      'till_commands_total',
      'Commands of coordinators that were obeyed, repeats included',
      () => counters.commands,
    ),
    single(
      'counter',
      'till_commands_refused_total',
      'Commands that were refused, for good',
      () => counters.refusals,
    ),
    single(
      'counter',
      'till_commands_busy_total',
      'Commands that met a hold of another transaction',
      () => counters.busy,
    ),
    single(
      'counter',
      'till_inquiries_total',
      'Times that a coordinator was asked about an undecided branch',
      () => counters.inquiries,
    ),
    single(
      'counter',
      'till_branches_parked_total',
      'Commands that contradicted what was done before: a person must look',
      () => counters.parked,
    ),
    single(
      'counter',
      'till_branches_recovered_total',
      'Commits without their prepare: the database has lost acknowledged writes',
      () => counters.recovered,
    ),
    single(
      'gauge',
      'till_branches_remembered',
      'Branch records kept until the low-water mark passes them',
      () => participant.remembered,
    ),
  ]
}
