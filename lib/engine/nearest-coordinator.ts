/**
 * Runs a checkout in this process where its coordinator partition is here, over the bus otherwise.
 */
import type { Coordinator } from './coordinator.ts'
import type { CoordinatorHost } from './coordinator-host.ts'

export function nearestCoordinator(here: CoordinatorHost, elsewhere: Coordinator): Coordinator {
  return {
    run: (checkout) => (here.owns(checkout.orderId) ? here.run(checkout) : elsewhere.run(checkout)),
  }
}
