/**
 * The commands of one coordinator partition on their way: sent when a step has been written, and
 * again at growing pauses while they are taken for lost. Nothing here is durable; after a crash
 * everything pending is sent again at once.
 */
import type { Reply, TransactionId } from '../../protocol/messages.ts'
import type { Order } from '../../protocol/protocol.ts'
import type { CoordinatorOptions } from './coordinator.ts'
import { LossDetector } from './loss-detector.ts'
import { type Open, type OpenTransactions, pendingOf } from './open-transactions.ts'

type CommandsOptions = Pick<CoordinatorOptions, 'bus' | 'clock' | 'random' | 'config' | 'counters'>

export class Commands {
  readonly #options: CommandsOptions
  readonly #open: Pick<OpenTransactions, 'mark'>
  readonly #losses = new LossDetector()

  constructor(options: CommandsOptions, open: Pick<OpenTransactions, 'mark'>) {
    this.#options = options
    this.#open = open
  }

  /** Those of a new step; they are resent until `open` has heard all answers. */
  begin(open: Open, orders: readonly Order[]): void {
    if (orders.length === 0) return
    const { clock, config } = this.#options
    open.resendPauseMs = config.resendFirstMs
    open.resendAt = clock.now() + open.resendPauseMs
    open.sentFirst = open.sentLast = this.#losses.next()
    this.#send(open, orders)
  }

  /** What is not waited for: what an inquiry is answered with. */
  answer(transaction: TransactionId, order: Order): void {
    this.#command(transaction, order)
  }

  #send({ state, sentLast }: Open, orders: readonly Order[]): void {
    for (const order of orders) this.#command(state.transaction, order, sentLast)
  }

  #command(transaction: TransactionId, { verb, branch }: Order, sent?: number): void {
    const { mark } = this.#open
    const numbered = sent === undefined ? {} : { sent }
    const command = { kind: 'command', verb, transaction, branch, mark, ...numbered } as const
    this.#options.bus.send(branch.service, branch.partition, command)
  }

  /** A reply that `open` waited for. */
  hear(reply: Reply, open: Open): void {
    this.#losses.hear(reply, open)
  }

  /** Sends again what is taken for lost, of all whose pause is over. */
  resend(due: readonly Open[]): void {
    const { clock, config, random, counters } = this.#options
    const now = clock.now()
    for (const [open, orders] of this.#losses.choose(due, now, pendingOf)) {
      open.resendPauseMs = Math.min(open.resendPauseMs * 2, config.resendMaxMs)
      open.resendAt = now + open.resendPauseMs * (0.75 + random.next() / 2)
      open.sentLast = this.#losses.next()
      counters.resends++
      this.#send(open, orders)
    }
  }
}
