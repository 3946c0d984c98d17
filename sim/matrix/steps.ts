/**
 * How a step is recognised: functions from what is seen to the transaction that takes the step, or
 * to undefined. The ones for writes hold before the effect and after it.
 */
import type { Answer, ServiceName, Verb } from '../../protocol/messages.ts'
import type { BranchState } from '../../protocol/participant.ts'
import type { Phase, State } from '../../protocol/protocol.ts'
import type { Sight } from '../director.ts'
import { branchStates, logStates, type Seen, type Trace } from './seen.ts'

/** What stands for the transaction where it has no id yet is the request's. */
export type Step = (sight: Sight, seen: Seen) => string | undefined

/** The same step, where the transaction is at this place; `next` counts a write to come. */
export const where =
  (step: Step, isThere: (trace: Trace, next: number) => boolean): Step =>
  (sight, seen) => {
    const transaction = step(sight, seen)
    if (transaction === undefined) return undefined
    const next = sight.kind === 'writing' ? 1 : 0
    return isThere(seen.of(transaction), next) ? transaction : undefined
  }

export const logged =
  (to: readonly Phase[], from?: Phase, decided?: State['decided']): Step =>
  (sight) => {
    if (sight.kind !== 'writing' && sight.kind !== 'written') return undefined
    return logStates(sight.writes).find(
      ({ before, after }) =>
        before?.phase === from &&
        to.includes(after.phase) &&
        (decided === undefined || after.decided === decided),
    )?.after.transaction
  }

export const branched =
  (to: BranchState, service?: ServiceName): Step =>
  (sight) => {
    if (sight.kind !== 'writing' && sight.kind !== 'written') return undefined
    if (service !== undefined && sight.service !== service) return undefined
    return branchStates(sight.writes).find(
      ({ before, after }) => after.state === to && before?.state !== to,
    )?.after.transaction
  }

export const commands =
  (verb: Verb, service?: ServiceName): Step =>
  (sight) => {
    if (sight.kind !== 'sends' || sight.message.kind !== 'command') return undefined
    const { message } = sight
    const isOf = service === undefined || message.branch.service === service
    return message.verb === verb && isOf ? message.transaction : undefined
  }

export const replies =
  (answer: Answer, verb: Verb, service?: ServiceName): Step =>
  (sight) => {
    if (sight.kind !== 'sends' || sight.message.kind !== 'reply') return undefined
    const { message } = sight
    const isOf = service === undefined || message.service === service
    return message.answer === answer && message.verb === verb && isOf
      ? message.transaction
      : undefined
  }

/** An order service asks the orchestrator. */
export const forwards: Step = (sight) =>
  sight.kind === 'sends' && sight.message.kind === 'checkout' ? sight.message.id : undefined

/** The orchestrator tells the outcome. */
export const tells: Step = (sight) =>
  sight.kind === 'sends' && sight.message.kind === 'outcome'
    ? sight.message.outcome.transaction
    : undefined

export const asks: Step = (sight) =>
  sight.kind === 'asks' ? `request ${sight.operation.id}` : undefined

/** The order service, asked to check out, reads the order. */
export const readsOrder: Step = (sight) =>
  sight.kind === 'reads' && sight.key.startsWith('order:') ? sight.key : undefined

export const answers =
  (isStatus: (status: number) => boolean): Step =>
  (sight) =>
    sight.kind === 'answers' && isStatus(sight.status) ? `request ${sight.operation.id}` : undefined

/** The client is told 200 while no participant has committed. */
export const answersFirst: Step = (sight, seen) =>
  sight.kind === 'answers' && sight.status === 200
    ? seen.undelivered(String(sight.operation.parameters.order_id))
    : undefined
