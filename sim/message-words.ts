/** A message in a line of the timeline. */
import type { Message } from '../protocol/messages.ts'

export function tellMessage(message: Message): string {
  switch (message.kind) {
    case 'command':
      return `${message.verb} ${message.transaction} mark ${message.mark}`
    case 'reply': {
      const { verb, transaction, service, partition, answer, reason } = message
      const why = reason === undefined ? '' : ` (${reason})`
      return `${service}/${partition} answers ${answer}${why} to ${verb} ${transaction}`
    }
    case 'inquiry':
      return `what became of ${message.transaction}?`
    case 'checkout':
      return `please check out ${message.checkout.orderId} (${message.id.slice(0, 6)})`
    case 'outcome':
      return `${message.outcome.kind} ${message.outcome.transaction} (${message.id.slice(0, 6)})`
    default:
      return `${message.kind} (${message.id.slice(0, 6)})`
  }
}
