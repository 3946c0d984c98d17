/**
 * The coordinator that lives elsewhere: asked over the bus, again and again until it answers.
 * The order's version makes the repetition safe: once an attempt has ended, the order refuses a
 * late copy of the request that started it.
 */
import {
  type Checkout,
  coordinatorTopic,
  type Home,
  type Outcome,
} from '../../protocol/messages.ts'
import type { Config } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Asker } from './asker.ts'
import type { Coordinator } from './coordinator.ts'

export interface RemoteCoordinatorOptions {
  readonly home: Home
  readonly asker: Asker
  readonly partitions: number
  readonly config: Pick<Config, 'checkoutDeadlineMs' | 'answerWaitMs'>
}

/** Beyond the coordinator's own deadlines: time for a message there and one back. */
const graceMs = 1_000

export function remoteCoordinator(options: RemoteCoordinatorOptions): Coordinator {
  const { home, asker, partitions, config } = options
  const patienceMs = config.checkoutDeadlineMs + config.answerWaitMs + graceMs
  return {
    async run(checkout: Checkout): Promise<Outcome> {
      const partition = partitionOf(checkout.orderId, partitions)
      const answer = await asker.ask(
        coordinatorTopic(home),
        partition,
        patienceMs,
        (id, replyTo) => ({ kind: 'checkout', id, checkout, replyTo }),
      )
      if (answer.kind === 'outcome') return answer.outcome
      throw new ShopError('internal', `A checkout was answered with ${answer.kind}.`)
    },
  }
}
