/**
 * What of one partition is under way and what may be acknowledged. Batches end in any order; the
 * offset to acknowledge is that of the oldest one which has not ended. Pure bookkeeping.
 */

export class PartitionOffsets {
  /** Next offset to fetch. */
  position: bigint
  /** First offset after the newest record that the broker has told of. */
  end: bigint
  #acknowledged: bigint
  /** Batches under way: first offset of each, in order of arrival. */
  readonly #open: { readonly from: bigint; isDone: boolean }[] = []

  constructor(position: bigint) {
    this.position = position
    this.end = position
    this.#acknowledged = position
  }

  /** Batches under way. */
  get unfinished(): number {
    return this.#open.length
  }

  /** Records that are not acknowledged, as far as is known here. */
  get lag(): number {
    const lag = this.end - this.acknowledgeable
    return lag > 0n ? Number(lag) : 0
  }

  /** A batch that ends before `next` begins; the returned function says that it has ended. */
  begin(next: bigint): () => void {
    const batch = { from: this.position, isDone: false }
    this.position = next
    this.#open.push(batch)
    return () => {
      batch.isDone = true
      while (this.#open[0]?.isDone) this.#open.shift()
    }
  }

  /** Everything before it has ended. */
  get acknowledgeable(): bigint {
    return this.#open[0]?.from ?? this.position
  }

  /** The offset to acknowledge; undefined where that has been done. */
  get toAcknowledge(): bigint | undefined {
    const offset = this.acknowledgeable
    return offset === this.#acknowledged ? undefined : offset
  }

  acknowledged(offset: bigint): void {
    this.#acknowledged = offset
  }

  /** The broker's log has been cut or has moved on: goes on within what it has. */
  moveInto(first: bigint, end: bigint): void {
    if (this.position > end) this.position = end
    if (this.position < first) this.position = first
    this.end = end
  }
}
