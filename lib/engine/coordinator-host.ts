/**
 * Runs the coordinator partitions that the bus assigns to this process.
 *
 * Recovery is a loop, not a launch step: a partition that is assigned, or lost to a failed or
 * fenced write, is opened until that succeeds (with a growing pause), and opening drives on
 * whatever its log says is open.
 */
import type { Checkout, Message, Outcome } from '../../protocol/messages.ts'
import type { Consumer } from '../bus/bus.ts'
import { ShopError } from '../runtime/errors.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Coordinator, CoordinatorOptions } from './coordinator.ts'
import { CoordinatorPartition } from './coordinator-partition.ts'

const reopenFirstMs = 50
const reopenMaxMs = 2_000

export class CoordinatorHost implements Coordinator, Consumer {
  readonly #options: Omit<CoordinatorOptions, 'onLost'>
  readonly #assigned = new Set<number>()
  readonly #open = new Map<number, CoordinatorPartition>()
  /** The newest opening of each partition: an older one that ends later must not replace it. */
  readonly #openings = new Map<number, number>()

  constructor(options: Omit<CoordinatorOptions, 'onLost'>) {
    this.#options = options
  }

  /** Resolves when the partition is open, or its opening goes on in the background. */
  async assigned(partition: number): Promise<void> {
    this.#assigned.add(partition)
    await this.#openOnce(partition, reopenFirstMs)
  }

  revoked(partition: number): void {
    this.#assigned.delete(partition)
    this.#open.get(partition)?.close()
    this.#open.delete(partition)
  }

  async receive(partition: number, messages: readonly Message[]): Promise<void> {
    const open = this.#open.get(partition)
    if (open === undefined) return
    await Promise.all(messages.map((message) => open.receive(message)))
  }

  owns(orderId: string): boolean {
    return this.#open.has(partitionOf(orderId, this.#options.storage.partitions))
  }

  run(checkout: Checkout): Promise<Outcome> {
    const partition = partitionOf(checkout.orderId, this.#options.storage.partitions)
    const open = this.#open.get(partition)
    if (open !== undefined) return open.run(checkout)
    const sentence = `Coordinator partition ${partition} is not here, or not open yet; try again.`
    return Promise.reject(new ShopError('unavailable', sentence))
  }

  /** Lets go of every partition; what is open stays in the log. */
  close(): void {
    for (const partition of [...this.#assigned]) this.revoked(partition)
  }

  get partitions(): ReadonlyMap<number, CoordinatorPartition> {
    return this.#open
  }

  async #openOnce(partition: number, pauseMs: number): Promise<void> {
    const { log, clock } = this.#options
    const opening = (this.#openings.get(partition) ?? 0) + 1
    this.#openings.set(partition, opening)
    const isNewest = () =>
      this.#assigned.has(partition) && this.#openings.get(partition) === opening
    try {
      const opened = await CoordinatorPartition.open(
        { ...this.#options, onLost: (lost, error) => this.#reopen(lost, error) },
        partition,
      )
      if (!isNewest()) return opened.close()
      this.#open.get(partition)?.close()
      this.#open.set(partition, opened)
    } catch (error) {
      log.warn('coordinator partition not opened', { partition, error: String(error) })
      clock.after(pauseMs, () => {
        if (isNewest()) void this.#openOnce(partition, Math.min(pauseMs * 2, reopenMaxMs))
      })
    }
  }

  #reopen(partition: number, error: unknown): void {
    this.#options.log.warn('coordinator partition lost', { partition, error: String(error) })
    this.#open.delete(partition)
    this.#options.clock.after(reopenFirstMs, () => {
      if (this.#assigned.has(partition)) void this.#openOnce(partition, reopenFirstMs)
    })
  }
}
