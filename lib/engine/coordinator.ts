/**
 * A coordinator, seen by who wants a checkout to run: one method, whoever does it and wherever.
 * Next: coordinator-partition.ts (here), remote-coordinator.ts (elsewhere).
 */
import type { Checkout, Outcome } from '../../protocol/messages.ts'

export interface Coordinator {
  /**
   * Runs a checkout to its outcome. Joins the one that is open for the same order, if there is one.
   * Resolves when the outcome is durable and every participant has applied it, or when the outcome
   * is durable and a silent participant has been waited for long enough.
   * Rejects with ShopError `not_known_yet` when it cannot tell in time: it may still happen.
   */
  run(checkout: Checkout): Promise<Outcome>
}
