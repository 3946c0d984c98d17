/**
 * A coordinator, seen by who wants a checkout to run: one method, whoever does it and wherever; and
 * what one that runs here is made of.
 * Next: coordinator-partition.ts (here), remote-coordinator.ts (elsewhere).
 */
import type { Checkout, Home, Outcome, ProtocolName } from '../../protocol/messages.ts'
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Random } from '../runtime/random.ts'
import type { Storage } from '../storage/storage.ts'
import type { CoordinatorCounters } from './counters.ts'
import type { LocalBranch } from './local-branch.ts'

export interface Coordinator {
  /**
   * Runs a checkout to its outcome. Joins the one that is open for the same order, if there is one.
   * Resolves when the outcome is durable and every participant has applied it, or when the outcome
   * is durable and a silent participant has been waited for long enough.
   * Aborted as `overloaded`, nothing was begun: too many decisions wait for participants.
   * Rejects with ShopError `not_known_yet` when it cannot tell in time: it may still happen.
   */
  run(checkout: Checkout): Promise<Outcome>
}

export type CoordinatorConfig = Pick<
  Config,
  | 'checkoutDeadlineMs'
  | 'answerWaitMs'
  | 'maxUnapplied'
  | 'resendFirstMs'
  | 'resendMaxMs'
  | 'keptDecisions'
>

export interface CoordinatorOptions {
  readonly home: Home
  /** The protocol of new transactions; those in the log keep their own. */
  readonly protocol: ProtocolName
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly config: CoordinatorConfig
  readonly log: Log
  readonly counters: CoordinatorCounters
  /** The participant whose records share this coordinator's storage, if any. */
  readonly local?: LocalBranch
  /** This partition can no longer be trusted to mirror its log; open another. */
  onLost(partition: number, error: unknown): void
}
