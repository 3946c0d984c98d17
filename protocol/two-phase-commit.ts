/**
 * Two-phase commit, the coordinator's side (Gray 1978; Mohan, Lindsay and Obermarck 1986).
 *
 *   preparing --all yes--> committing --all done--> ended
 *       \--refused, busy, deadline--> aborting --all done--> ended
 *
 * Prepare goes to every branch at once. The step into committing is the commit point: the engine
 * makes it durable before any commit is sent. An abort goes to every branch that may hold
 * something, also those whose vote never came; only a branch that voted `refused` is left out,
 * because it holds nothing and remembers that it refused.
 */
import type { Checkout, Reason, Reply } from './messages.ts'
import {
  awaitedBranch,
  type Event,
  noteEnd,
  type Order,
  type Protocol,
  type State,
  type Step,
  stay,
  withStatus,
} from './protocol.ts'

const verbOf = { preparing: 'prepare', committing: 'commit', aborting: 'abort' } as const

function pending(state: State): readonly Order[] {
  const verb = verbOf[state.phase as keyof typeof verbOf]
  if (verb === undefined) return []
  return state.branches
    .filter((_, index) => state.status[index] === 'asked')
    .map((branch) => ({ verb, branch }))
}

/** A step into `state` that sends everything `state` waits for. */
const enter = (state: State): Step => ({ state, send: pending(state), durable: true })

function begin(transaction: string, checkout: Checkout): Step {
  return enter({
    protocol: '2pc',
    transaction,
    orderId: checkout.orderId,
    phase: 'preparing',
    branches: checkout.branches,
    status: checkout.branches.map(() => 'asked'),
  })
}

function decideCommit(state: State): Step {
  const status = state.branches.map(() => 'asked' as const)
  return enter({ ...state, phase: 'committing', decided: 'committed', status })
}

function decideAbort(state: State, reason: Reason): Step {
  const status = state.status.map((each) => (each === 'refused' ? 'refused' : 'asked'))
  return enter({ ...state, phase: 'aborting', decided: 'aborted', reason, status })
}

function onVote(state: State, index: number, reply: Reply): Step {
  switch (reply.answer) {
    case 'yes': {
      const status = withStatus(state.status, index, 'yes')
      const voted = { ...state, status }
      return status.every((each) => each === 'yes') ? decideCommit(voted) : stay(voted)
    }
    case 'refused': {
      const status = withStatus(state.status, index, 'refused')
      return decideAbort({ ...state, status }, reply.reason ?? 'ended')
    }
    case 'busy':
      return decideAbort(state, 'busy')
    default:
      return decideAbort(state, 'ended')
  }
}

function on(state: State, event: Event): Step {
  if (event.kind === 'deadline') {
    return state.phase === 'preparing' ? decideAbort(state, 'timed_out') : stay(state)
  }
  const expected = verbOf[state.phase as keyof typeof verbOf]
  const index = awaitedBranch(state, event)
  if (event.verb !== expected || index < 0) return stay(state)
  return state.phase === 'preparing' ? onVote(state, index, event) : noteEnd(state, index, event)
}

export const twoPhaseCommit: Protocol = { name: '2pc', begin, on, pending }
