/** What coordinators count, and the spans of their transactions; metrics and tests read it. */
import type { ProtocolName, Reason } from '../../protocol/messages.ts'
import type { Phase, State } from '../../protocol/protocol.ts'
import { Histogram, secondsBounds } from '../runtime/metric.ts'
import type { Span, Spans } from '../runtime/spans.ts'

type Phases = Readonly<Record<Phase, Histogram>>

const phases = (): Phases => ({
  preparing: new Histogram(secondsBounds),
  freezing: new Histogram(secondsBounds),
  executing: new Histogram(secondsBounds),
  paying: new Histogram(secondsBounds),
  committing: new Histogram(secondsBounds),
  aborting: new Histogram(secondsBounds),
  compensating: new Histogram(secondsBounds),
  ended: new Histogram(secondsBounds),
})

export class CoordinatorCounters {
  readonly #spans: Spans | undefined
  started = 0
  recovered = 0
  resends = 0
  /** Checkouts that were not begun, since too many decisions were unapplied. */
  turnedAway = 0
  /** Branches that were parked: a participant contradicted the decision. */
  parked = 0
  /** Undecided branches of transactions that this coordinator says have ended. */
  contradictions = 0
  /** How transactions have ended: committed, or why not. */
  readonly ends: Readonly<Record<ProtocolName, Map<'committed' | Reason, number>>> = {
    '2pc': new Map(),
    saga: new Map(),
  }
  /** How long transactions stayed in each phase, by the protocol that was begun with. */
  readonly phases: Readonly<Record<ProtocolName, Phases>> = { '2pc': phases(), saga: phases() }

  constructor(spans?: Spans) {
    this.#spans = spans
  }

  /** A transaction leaves the phase that `state` is in; times in ms. */
  phaseLeft({ transaction, protocol, phase }: State, from: number, to: number): void {
    this.phases[protocol][phase].observe((to - from) / 1_000)
    this.#spans?.add({
      ...{ transaction, name: phase, part: phase, of: 'transaction', from, to },
      attributes: { 'till.protocol': protocol },
    })
  }

  ended(state: State, from: number, to: number): void {
    this.#spans?.add(transactionSpan(state, from, to))
    const end = state.decided === 'committed' ? 'committed' : (state.reason ?? 'timed_out')
    const ends = this.ends[state.protocol]
    ends.set(end, (ends.get(end) ?? 0) + 1)
    if (state.status.includes('parked')) this.parked++
  }
}

const transactionSpan = (
  { transaction, protocol, orderId, decided = 'aborted', reason }: State,
  from: number,
  to: number,
): Span => ({
  ...{ transaction, name: 'transaction', part: 'transaction', of: 'checkout', from, to },
  attributes: {
    'till.protocol': protocol,
    'till.order': orderId,
    'till.decided': decided,
    ...(reason === undefined ? {} : { 'till.reason': reason }),
  },
})
