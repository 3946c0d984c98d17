/**
 * Saga, the coordinator's side (Garcia-Molina and Salem 1987), with a semantic lock on the order
 * (Frank and Zahle 1998).
 *
 *   freezing --yes--> executing --all yes--> paying --yes--> committing --done--> ended
 *       \--refused, deadline--\--refused, deadline--\--> compensating --all done--> ended
 *
 * First the order is frozen (prepare: the semantic lock), so that a late copy of a request whose
 * attempt has ended takes nothing from anyone. Then stock executes: its units are gone, visibly.
 * Then payment executes; that is the pivot: from there only forward, the order is marked paid
 * (commit). Before the pivot, a refusal or the deadline turns back: whatever may have executed is
 * compensated and the order released (abort), in reverse order. A compensation never fails; a
 * branch that had not executed answers it with a tombstone, which the late execute then meets.
 *
 * The step into executing is not logged: stock counts as asked from the start, so that a
 * coordinator which resumes from the log freezes again (a repeat) or compensates what it may have
 * asked.
 */
import type { Branch, Checkout, Reason, Reply, Verb } from './messages.ts'
import {
  awaitedBranch,
  type BranchStatus,
  type Event,
  isFinished,
  noteEnd,
  type Order,
  type Protocol,
  type State,
  type Step,
  stay,
  withStatus,
} from './protocol.ts'

/** What a branch is told in each phase: the order is locked and settled, the others work. */
function verbIn(phase: State['phase'], branch: Branch): Verb {
  const isOrder = branch.service === 'order'
  if (phase === 'committing') return 'commit'
  if (phase === 'compensating') return isOrder ? 'abort' : 'compensate'
  return isOrder ? 'prepare' : 'execute'
}

function pending(state: State): readonly Order[] {
  const orders = state.branches
    .filter((_, index) => state.status[index] === 'asked')
    .filter(({ service }) => state.phase !== 'freezing' || service === 'order')
    .map((branch) => ({ verb: verbIn(state.phase, branch), branch }))
  return state.phase === 'compensating' ? orders.reverse() : orders
}

/** A step into `state` that sends everything `state` waits for. */
const enter = (state: State): Step => ({ state, send: pending(state), durable: true })

function begin(transaction: string, checkout: Checkout): Step {
  return enter({
    protocol: 'saga',
    transaction,
    orderId: checkout.orderId,
    phase: 'freezing',
    branches: checkout.branches,
    status: checkout.branches.map(({ service }) => (service === 'payment' ? 'idle' : 'asked')),
  })
}

/** Nothing that is not in the log already depends on this step: see the head. */
function execute(state: State): Step {
  const executing: State = { ...state, phase: 'executing' }
  return { state: executing, send: pending(executing), durable: false }
}

function pay(state: State): Step {
  const status = state.status.map((each) => (each === 'idle' ? 'asked' : each))
  return enter({ ...state, phase: 'paying', status })
}

function complete(state: State): Step {
  const status = state.branches.map(({ service }) => (service === 'order' ? 'asked' : 'done'))
  return enter({ ...state, phase: 'committing', decided: 'committed', status })
}

function compensate(state: State, reason: Reason): Step {
  const undone: Readonly<Record<BranchStatus, BranchStatus>> = {
    idle: 'done',
    asked: 'asked',
    yes: 'asked',
    refused: 'refused',
    done: 'done',
    parked: 'parked',
  }
  const status = state.status.map((each) => undone[each])
  const phase = isFinished(status) ? 'ended' : 'compensating'
  return enter({ ...state, phase, decided: 'aborted', reason, status })
}

function onForward(state: State, index: number, reply: Reply): Step {
  switch (reply.answer) {
    case 'yes': {
      const status = withStatus(state.status, index, 'yes')
      const next = { ...state, status }
      if (state.phase === 'paying') return complete(next)
      if (!status.includes('asked')) return pay(next)
      const isFrozen = state.branches[index]?.service === 'order'
      return isFrozen ? execute(next) : stay(next)
    }
    // Held by a two-phase commit that is still open: the engine asks again until the deadline.
    case 'busy':
      return stay(state)
    case 'refused': {
      const status = withStatus(state.status, index, 'refused')
      return compensate({ ...state, status }, reply.reason ?? 'ended')
    }
    default:
      return compensate(state, 'ended')
  }
}

/** Until the pivot. */
const forward: ReadonlySet<State['phase']> = new Set(['freezing', 'executing', 'paying'])

function on(state: State, event: Event): Step {
  const isForward = forward.has(state.phase)
  if (event.kind === 'deadline') return isForward ? compensate(state, 'timed_out') : stay(state)
  const index = awaitedBranch(state, event)
  const branch = state.branches[index]
  if (branch === undefined || event.verb !== verbIn(state.phase, branch)) return stay(state)
  return isForward ? onForward(state, index, event) : noteEnd(state, index, event)
}

export const saga: Protocol = { name: 'saga', begin, on, pending }
