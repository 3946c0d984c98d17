/** What is on its way: commands, replies and requests, by number, each with where it goes. */
import type { Branch, Checkout, Command, Reply } from '../../protocol/messages.ts'
import type { Order } from '../../protocol/protocol.ts'
import { Interner } from './interner.ts'

export interface Ask {
  readonly kind: 'ask'
  readonly checkout: Checkout
}

export type ModelMessage = Command | Reply | Ask

const placeOf = ({ service, partition }: Pick<Branch, 'service' | 'partition'>): string =>
  `${service}/${partition}`

export class Messages {
  readonly #interner = new Interner<ModelMessage>()

  command(transaction: string, { verb, branch }: Order): number {
    return this.numberOf({ kind: 'command', verb, transaction, branch, mark: '' })
  }

  numberOf(message: ModelMessage): number {
    return this.#interner.numberOf(message)
  }

  get(number: number): ModelMessage {
    return this.#interner.valueOf(number)
  }

  tell(number: number): string {
    const message = this.get(number)
    switch (message.kind) {
      case 'command':
        return `${message.verb} ${message.transaction} to ${placeOf(message.branch)}`
      case 'reply':
        return `${message.answer} of ${placeOf(message)} to ${message.verb} ${message.transaction}`
      case 'ask':
        return `request to check out ${message.checkout.orderId}`
    }
  }
}

/** Whether a reply answers a command. */
export const answers = (reply: ModelMessage, command: Command): boolean =>
  reply.kind === 'reply' &&
  reply.verb === command.verb &&
  reply.transaction === command.transaction &&
  placeOf(reply) === placeOf(command.branch)
