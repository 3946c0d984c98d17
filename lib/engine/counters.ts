/** What coordinators count; metrics and tests read it. */
import type { Reason } from '../../protocol/messages.ts'
import type { State } from '../../protocol/protocol.ts'

export class CoordinatorCounters {
  started = 0
  recovered = 0
  resends = 0
  committed = 0
  /** By reason. */
  readonly aborted = new Map<Reason, number>()
  /** Branches that were parked: a participant contradicted the decision. */
  parked = 0
  /** Undecided branches of transactions that this coordinator says have ended. */
  contradictions = 0

  ended(state: State): void {
    if (state.decided === 'committed') this.committed++
    else {
      const reason = state.reason ?? 'timed_out'
      this.aborted.set(reason, (this.aborted.get(reason) ?? 0) + 1)
    }
    if (state.status.includes('parked')) this.parked++
  }
}
