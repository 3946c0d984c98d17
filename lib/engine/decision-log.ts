/**
 * The decision log of one coordinator partition: one record per transaction, holding its state.
 *
 * Promise: a write is durable when it resolves and happens only while this owner's epoch is the
 * newest, otherwise ShopError `fenced`. Ended transactions stay for people and for late inquiries,
 * the newest `keptDecisions` of them; none above the low-water mark is ever dropped.
 */
import type { State, Step } from '../../protocol/protocol.ts'
import { type ParsedId, parseTransactionId } from '../../protocol/transaction-id.ts'
import { ShopError } from '../runtime/errors.ts'
import { pagesOf } from '../storage/pages.ts'
import type { Draft, Storage } from '../storage/storage.ts'
import { epochKey, logKey, logPrefix } from './keys.ts'
import type { LocalBranch } from './local-branch.ts'

export interface Written {
  /** The step with what the local branch has answered. */
  readonly step: Step
  /** The local branch refused a transaction that had not begun: nothing was written. */
  readonly refusedAtOnce: boolean
}

const scanPage = 1_000
/** Ended records dropped by one write. */
const droppedAtOnce = 10

export class DecisionLog {
  readonly epoch: number
  /** Transactions that had not ended at take-over, oldest first; the new owner empties it. */
  readonly recovered: State[] = []
  readonly #storage: Storage
  readonly #partition: number
  readonly #kept: number
  /** Keys of ended transactions, oldest first. */
  #ended: string[] = []
  #firstEnded = 0

  private constructor(storage: Storage, partition: number, epoch: number, kept: number) {
    this.#storage = storage
    this.#partition = partition
    this.#kept = kept
    this.epoch = epoch
  }

  /** From its resolution on, no former owner can write to this partition's log. */
  static async takeOver(
    storage: Storage,
    partition: number,
    config: { readonly keptDecisions: number },
  ): Promise<DecisionLog> {
    const epoch = await storage.transact(partition, [epochKey], (draft) => {
      const next = (draft.get<number>(epochKey) ?? 0) + 1
      draft.put(epochKey, next)
      return next
    })
    const log = new DecisionLog(storage, partition, epoch, config.keptDecisions)
    await log.#scan()
    return log
  }

  async #scan(): Promise<void> {
    const pages = pagesOf(this.#storage, this.#partition, logPrefix, { limit: scanPage })
    for await (const page of pages) {
      for (const { key, record } of page) {
        const state = record as State
        if (state.phase === 'ended') this.#ended.push(key)
        else this.recovered.push(state)
      }
    }
  }

  /** Writes a step, and with it whatever the local branch does in it. */
  async write(step: Step, local: LocalBranch | undefined, mark: string): Promise<Written> {
    const key = keyOf(step.state.transaction)
    const dropped = step.state.decided === undefined ? [] : this.#droppable(mark)
    const keys = [epochKey, key, ...(local?.keys(step.state) ?? []), ...dropped]
    const run = (draft: Draft): Written => {
      this.#requireNewest(draft.get<number>(epochKey))
      const settled = local === undefined ? step : local.settle(step, draft)
      const { decided } = settled.state
      if (step.state.decided === undefined && decided === 'aborted') {
        return { step: settled, refusedAtOnce: true }
      }
      draft.put(key, settled.state)
      for (const old of dropped) draft.delete(old)
      return { step: settled, refusedAtOnce: false }
    }
    const written = await this.#storage.transact(this.#partition, keys, run).catch((error) => {
      // The partition is lost, or the step is written again, and another may drop them.
      this.#ended.push(...dropped)
      throw error
    })
    if (!written.refusedAtOnce && written.step.state.phase === 'ended') this.#ended.push(key)
    return written
  }

  /**
   * Rejects with `fenced` if there is a newer owner: one that has nothing to write finds out here.
   */
  async checkOwner(): Promise<void> {
    this.#requireNewest(await this.#storage.read<number>(this.#partition, epochKey))
  }

  /**
   * Undefined: never begun, or ended and dropped, which the mark tells apart. Rejects with `fenced`
   * where there is a newer owner: what is missing here its mark may have passed, and not ours.
   */
  find(id: ParsedId): Promise<State | undefined> {
    const key = logKey(id)
    return this.#storage.transact(this.#partition, [epochKey, key], (draft) => {
      this.#requireNewest(draft.get<number>(epochKey))
      return draft.get<State>(key)
    })
  }

  #requireNewest(epoch: number | undefined): void {
    if (epoch !== this.epoch) throw fenced(this.#partition, this.epoch, epoch)
  }

  /**
   * Takes the oldest ended records off the list while there are more than are kept; a few at once,
   * so that what piled up behind a slow transaction goes away again.
   */
  #droppable(mark: string): string[] {
    const end = logPrefix + mark
    const dropped: string[] = []
    while (dropped.length < droppedAtOnce) {
      const oldest = this.#ended[this.#firstEnded]
      const count = this.#ended.length - this.#firstEnded
      if (oldest === undefined || count <= this.#kept || oldest >= end) break
      dropped.push(oldest)
      this.#firstEnded++
    }
    if (this.#firstEnded > scanPage && this.#firstEnded * 2 > this.#ended.length) {
      this.#ended = this.#ended.slice(this.#firstEnded)
      this.#firstEnded = 0
    }
    return dropped
  }
}

function keyOf(transaction: string): string {
  const id = parseTransactionId(transaction)
  if (id === undefined) throw new ShopError('internal', `Not a transaction id: ${transaction}`)
  return logKey(id)
}

const fenced = (partition: number, mine: number, newest: number | undefined) =>
  new ShopError(
    'fenced',
    `Coordinator partition ${partition} has a newer owner (epoch ${newest}, this one is ${mine}).`,
  )
