/** I4: what clients were told of checkouts, against what became of the orders. */
export interface CheckoutAnswer {
  readonly orderId: string
  /** Undefined where no answer came: the connection broke. */
  readonly status: number | undefined
  /** When it was asked and answered, by one clock of the client. */
  readonly startedAt: number
  readonly endedAt: number
}

export type Promised = 'paid' | 'not paid' | 'not known'

/**
 * What an answer promises: 2xx that it happened, 4xx that it did not and will not; else nothing.
 */
export function promised(status: number | undefined): Promised {
  if (status === undefined || status >= 500) return 'not known'
  return status < 400 ? 'paid' : 'not paid'
}

/** `isPaid` by order; orders that are not in it are unknown to the shop. */
export function checkAnswers(
  isPaid: ReadonlyMap<string, boolean>,
  answers: readonly CheckoutAnswer[],
  report: (difference: string) => void,
): void {
  for (const [orderId, own] of Map.groupBy(answers, (answer) => answer.orderId)) {
    const told = own.map(({ status }) => promised(status))
    const paid = isPaid.get(orderId)
    if (paid === undefined) report(`order ${orderId} is gone`)
    if (told.includes('paid') && paid === false) {
      report(`order ${orderId} was answered as paid and is not`)
    }
    if (paid && told.every((each) => each === 'not paid')) {
      report(`order ${orderId} was refused each time and is paid`)
    }
    const paidAt = Math.min(
      ...own.filter((_, index) => told[index] === 'paid').map(({ endedAt }) => endedAt),
    )
    const late = own.find(
      ({ startedAt }, index) => told[index] === 'not paid' && startedAt > paidAt,
    )
    if (late !== undefined) {
      report(`order ${orderId} was answered as paid and then refused with ${late.status}`)
    }
  }
}
