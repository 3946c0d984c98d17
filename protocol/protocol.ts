/**
 * What a commit protocol is: a pure state machine per transaction, seen from the coordinator.
 *
 * The engine owns the loop. It keeps one `State` per open transaction, feeds events to `on`, and
 * for each `Step` does, in this order: make `state` durable when `durable` says so, send `send`,
 * answer. A protocol knows no time: the engine says when the deadline has passed, and resends
 * `pending(state)` for ever with a growing pause, so every command must be safe to repeat.
 *
 * Idea: etcd-io/raft's core without I/O, and steno's table of legal transitions.
 */
import type { Branch, Checkout, Outcome, ProtocolName, Reason, Reply, Verb } from './messages.ts'

export type Phase =
  | 'preparing'
  | 'freezing'
  | 'executing'
  | 'paying'
  | 'committing'
  | 'aborting'
  | 'compensating'
  | 'ended'

/**
 * `asked`: a command is out and unanswered. `yes`: voted yes or executed. `refused`: said no and
 * holds nothing. `done`: has committed, aborted or compensated. `idle`: not asked yet. `parked`: it
 * contradicted the decision and was put aside for people to look at; nothing more is asked of it.
 */
export type BranchStatus = 'idle' | 'asked' | 'yes' | 'refused' | 'done' | 'parked'

/** The whole of what a coordinator knows of a transaction; plain JSON, kept in the decision log. */
export interface State {
  readonly protocol: ProtocolName
  readonly transaction: string
  readonly orderId: string
  readonly phase: Phase
  readonly branches: readonly Branch[]
  /** One per branch, in the same order. */
  readonly status: readonly BranchStatus[]
  /** Set from the moment the outcome is decided to be an abort. */
  readonly reason?: Reason
  /** Set from the moment the outcome is decided. */
  readonly decided?: 'committed' | 'aborted'
}

/** A command without what the engine adds (transaction and mark). */
export interface Order {
  readonly verb: Verb
  readonly branch: Branch
}

export interface Step {
  readonly state: State
  readonly send: readonly Order[]
  /** Whether `state` must be in the decision log before anything is sent or answered. */
  readonly durable: boolean
}

export type Event = Reply | { readonly kind: 'deadline' }

export interface Protocol {
  readonly name: ProtocolName
  begin(transaction: string, checkout: Checkout): Step
  /** Duplicate, late and misplaced events change nothing: the same state comes back. */
  on(state: State, event: Event): Step
  /** Every command whose answer is still missing; what recovery and resending send again. */
  pending(state: State): readonly Order[]
}

/** The outcome, from the moment it can no longer change. */
export function outcomeOf(state: State): Outcome | undefined {
  if (state.decided === undefined) return undefined
  if (state.decided === 'committed') return { kind: 'committed', transaction: state.transaction }
  return {
    kind: 'aborted',
    transaction: state.transaction,
    reason: state.reason ?? 'timed_out',
  }
}

/** The index of the branch that a reply speaks for, if it is awaited at all; -1 otherwise. */
export function awaitedBranch(state: State, reply: Reply): number {
  return state.branches.findIndex(
    (branch, index) =>
      branch.service === reply.service &&
      branch.partition === reply.partition &&
      state.status[index] === 'asked',
  )
}

/** `status` with the entry at `index` replaced. */
export function withStatus(
  status: readonly BranchStatus[],
  index: number,
  next: BranchStatus,
): readonly BranchStatus[] {
  const copy = status.slice()
  copy[index] = next
  return copy
}

/** Whether nothing more is awaited of any branch. */
export const isFinished = (status: readonly BranchStatus[]): boolean =>
  !status.includes('asked') && !status.includes('idle')

/** A step that changes nothing. */
export const stay = (state: State): Step => ({ state, send: [], durable: false })

/**
 * An end reply (to commit, abort or compensate) in a phase whose decision is already durable: it
 * is noted, and the last one ends the transaction. The end is logged, but nobody waits for that.
 */
export function noteEnd(state: State, index: number, reply: Reply): Step {
  // No participant says anything else to these: whoever did knows nothing of an end.
  if (reply.answer !== 'done' && reply.answer !== 'parked') return stay(state)
  const status = withStatus(state.status, index, reply.answer === 'parked' ? 'parked' : 'done')
  if (!isFinished(status)) return { state: { ...state, status }, send: [], durable: false }
  return { state: { ...state, status, phase: 'ended' }, send: [], durable: true }
}
