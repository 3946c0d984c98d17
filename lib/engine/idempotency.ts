/**
 * Idempotency-Key: the answer to a request is written in the same step as its effect, so a repeat
 * is answered from the record and changes nothing, also after a crash between effect and answer.
 *
 * A key belongs to one request (method and path). Its home partition, chosen by its hash, holds the
 * claim; where the effect is in another partition, that one holds the answer. Keys are remembered
 * for a documented time and number and then swept; nothing else in Till is dropped by age.
 */
import { createHash } from 'node:crypto'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { statusOf } from '../runtime/errors.ts'
import { partitionOf } from '../runtime/partition.ts'
import { problem, type ShopAnswer, type ShopRequest } from '../runtime/route.ts'
import type { Draft, Storage } from '../storage/storage.ts'

interface KeyRecord {
  readonly fingerprint: string
  /** Absent in a claim whose answer is elsewhere, or not there yet. */
  readonly answer?: ShopAnswer
  /** Wall time in ms, for retention only. */
  readonly at: number
}

const keyPrefix = 'key:'
const scanPage = 1_000
const sweepEveryMs = 600_000
const hourMs = 3_600_000

/** Client text never reaches a storage key: its hash does. */
const recordKey = (key: string) => keyPrefix + createHash('sha256').update(key).digest('base64url')

const reused = () =>
  problem(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request; take a new one.',
  )

export interface IdempotencyOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly config: Pick<Config, 'idempotencyHours' | 'keptIdempotencyKeys'>
}

export class Idempotency {
  readonly #options: IdempotencyOptions
  readonly #timer: Timer

  constructor(options: IdempotencyOptions) {
    this.#options = options
    this.#timer = options.clock.every(sweepEveryMs, () => void this.sweep())
  }

  close(): void {
    this.#timer.cancel()
  }

  /** The partition in which a request that makes a new record should make it. */
  partitionFor(request: ShopRequest): number | undefined {
    if (request.idempotencyKey === undefined) return undefined
    return partitionOf(request.idempotencyKey, this.#options.storage.partitions)
  }

  /**
   * Runs `step` over `keys` of `partition` in one transact, or answers what it answered before.
   * A step that returns undefined has done nothing and is not remembered.
   */
  async once<A extends ShopAnswer | undefined>(
    request: ShopRequest,
    partition: number,
    keys: readonly string[],
    step: (draft: Draft) => A,
  ): Promise<A | ShopAnswer> {
    const { storage } = this.#options
    const home = this.partitionFor(request)
    if (home === undefined) return storage.transact(partition, keys, step)
    if (home !== partition) {
      const refusal = await this.#claim(request, home)
      if (refusal !== undefined) return refusal
    }
    const key = recordKey(request.idempotencyKey!)
    const at = this.#options.clock.wallTime()
    return storage.transact(partition, [key, ...keys], (draft) => {
      const earlier = draft.get<KeyRecord>(key)
      if (earlier !== undefined && earlier.fingerprint !== request.fingerprint) return reused()
      if (earlier?.answer !== undefined) return earlier.answer
      const answer = step(draft)
      if (answer !== undefined) draft.put(key, { fingerprint: request.fingerprint, answer, at })
      return answer
    })
  }

  /**
   * For requests that are no single step (checkout, batch_init): they can safely run again, so the
   * answer is remembered after the effect and before it is given. 5xx answers are not remembered.
   */
  async around(request: ShopRequest, run: () => Promise<ShopAnswer>): Promise<ShopAnswer> {
    const home = this.partitionFor(request)
    if (home === undefined) return run()
    const refusal = await this.#claim(request, home)
    if (refusal !== undefined) return refusal
    const earlier = await this.#options.storage.read<KeyRecord>(
      home,
      recordKey(request.idempotencyKey!),
    )
    if (earlier?.answer !== undefined) return earlier.answer
    const answer = await run()
    if (answer.kind === 'problem' && statusOf[answer.code] >= 500) return answer
    return this.once(request, home, [], () => answer)
  }

  async #claim(request: ShopRequest, home: number): Promise<ShopAnswer | undefined> {
    const key = recordKey(request.idempotencyKey!)
    const at = this.#options.clock.wallTime()
    return this.#options.storage.transact(home, [key], (draft) => {
      const earlier = draft.get<KeyRecord>(key)
      if (earlier === undefined) draft.put(key, { fingerprint: request.fingerprint, at })
      else if (earlier.fingerprint !== request.fingerprint) return reused()
      return undefined
    })
  }

  /** Drops keys that are older than documented, and the oldest beyond the number kept. */
  async sweep(): Promise<void> {
    const { storage, clock, config } = this.#options
    const oldest = clock.wallTime() - config.idempotencyHours * hourMs
    for (let partition = 0; partition < storage.partitions; partition++) {
      const kept: { key: string; at: number }[] = []
      const dropped: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await storage.scan(partition, keyPrefix, {
          ...(after === undefined ? {} : { after }),
          limit: scanPage,
        })
        for (const { key, record } of page) {
          const { at } = record as KeyRecord
          if (at < oldest) dropped.push(key)
          else kept.push({ key, at })
        }
        if (page.length < scanPage) break
        after = page.at(-1)?.key
      }
      const excess = kept.length - config.keptIdempotencyKeys
      if (excess > 0) {
        kept.sort((a, b) => a.at - b.at)
        dropped.push(...kept.slice(0, excess).map(({ key }) => key))
      }
      while (dropped.length > 0) {
        const keys = dropped.splice(0, scanPage)
        await storage.transact(partition, keys, (draft) => {
          for (const key of keys) draft.delete(key)
        })
      }
    }
  }
}
