/**
 * Which of the transactions that are due are resent now. Each resends at growing pauses, but many
 * that are open together would send more than slow participants can answer, which makes them
 * slower still: a metastable failure (Bronson et al., HotOS 2021). So resends keep to a pace that
 * answers set, as TCP is clocked by acknowledgements.
 *
 * Promise: none waits for ever: whoever is due for the longest time comes first.
 */

/** Transactions that are resent in one tick of a partition, whether anybody answers or not. */
const leastAtOnce = 2
/** Replies since the last tick that allow one more. */
const repliesForOne = 16

export class ResendPace {
  #replies = 0

  /** A reply has come, to whatever. */
  hear(): void {
    this.#replies++
  }

  /** Those to resend in this tick; the others stay due. */
  choose<T extends { readonly resendAt: number }>(due: readonly T[]): readonly T[] {
    const most = leastAtOnce + Math.floor(this.#replies / repliesForOne)
    this.#replies = 0
    return due.toSorted((a, b) => a.resendAt - b.resendAt).slice(0, most)
  }
}
