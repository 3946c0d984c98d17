/**
 * Runs a checkout in this process where its coordinator partition is here, over the bus otherwise.
 * A partition that goes elsewhere, or is lost and opened again, while a checkout runs takes its
 * transaction along: who has it then is asked, so that nobody is put off by a move. What cannot be
 * asked there is `not_known_yet`: it may have begun here.
 */
import { afterTheStart, ShopError } from '../runtime/errors.ts'
import type { Coordinator } from './coordinator.ts'
import type { CoordinatorHost } from './coordinator-host.ts'

export function nearestCoordinator(here: CoordinatorHost, elsewhere: Coordinator): Coordinator {
  return {
    run(checkout) {
      if (!here.owns(checkout.orderId)) return elsewhere.run(checkout)
      return here.run(checkout).catch((error: unknown) => {
        if (!(error instanceof ShopError && error.code === 'not_known_yet')) throw error
        return elsewhere.run(checkout).catch((later: unknown) => {
          throw afterTheStart(later)
        })
      })
    },
  }
}
