/**
 * Idempotency-Key: the answer to a request is written in the same step as its effect, so a repeat
 * is answered from the record and changes nothing, also after a crash between effect and answer.
 *
 * A key belongs to one request (method and path). Its home partition, chosen by its hash, holds the
 * claim; where the effect is in another partition, that one holds the answer. Keys are remembered
 * for a documented time and number and then swept; nothing else in Till is dropped by age.
 */
import { createHash } from 'node:crypto'
import { ChurnMap } from '../runtime/churn-map.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import { afterTheStart, statusOf } from '../runtime/errors.ts'
import type { Log } from '../runtime/log.ts'
import { partitionOf } from '../runtime/partition.ts'
import { problem, type ShopAnswer, type ShopRequest } from '../runtime/route.ts'
import { pagesOf } from '../storage/pages.ts'
import type { Draft, Storage } from '../storage/storage.ts'

interface KeyRecord {
  readonly fingerprint: string
  /** Absent in a claim whose answer is elsewhere, or not there yet. */
  readonly answer?: ShopAnswer
  /** Wall time in ms, for retention only. */
  readonly at: number
}

const keyPrefix = 'key:'
/** A page of keys takes 3 ms; between two of them everything else has its turn. */
const scanPage = 200
const sweepEveryMs = 600_000
const hourMs = 3_600_000

/** Client text never reaches a storage key: its hash does. */
const recordKey = (key: string) => keyPrefix + createHash('sha256').update(key).digest('base64url')

const reused = () =>
  problem(
    'idempotency_key_reused',
    'This Idempotency-Key was used for another request; take a new one.',
  )

/** What a key's record says to this request; undefined if nothing yet. */
const answerOf = (record: KeyRecord | undefined, request: ShopRequest) =>
  record === undefined || record.fingerprint === request.fingerprint ? record?.answer : reused()

export interface IdempotencyOptions {
  readonly storage: Storage
  readonly clock: Clock
  readonly log: Pick<Log, 'warn'>
  readonly config: Pick<Config, 'idempotencyHours' | 'keptIdempotencyKeys'>
}

/** A refusal says that nothing happened; what did happen outweighs it. */
const outweighs = (answer: ShopAnswer | undefined, earlier: ShopAnswer): boolean =>
  earlier.kind === 'problem' && answer !== undefined && answer.kind !== 'problem'

export class Idempotency {
  readonly #options: IdempotencyOptions
  readonly #timer: Timer
  /** By key: requests of `around` under way here, of which there is one at a time. */
  readonly #running = new ChurnMap<string, Promise<ShopAnswer>>()
  #isClosed = false

  constructor(options: IdempotencyOptions) {
    this.#options = options
    this.#timer = options.clock.every(sweepEveryMs, () => {
      this.sweep().catch((error: unknown) => {
        if (this.#isClosed) return
        options.log.warn('old idempotency keys were not dropped; they are looked at later', {
          error,
        })
      })
    })
  }

  close(): void {
    this.#isClosed = true
    this.#timer.cancel()
  }

  /** The partition in which a request that makes a new record should make it. */
  partitionFor(request: ShopRequest): number | undefined {
    if (request.idempotencyKey === undefined) return undefined
    return partitionOf(request.idempotencyKey, this.#options.storage.partitions)
  }

  /**
   * What `once` has answered to this request before, or 422; undefined if it may be new. For a
   * request that needs something first that may be away by the time it is repeated.
   */
  async earlier(request: ShopRequest, partition: number): Promise<ShopAnswer | undefined> {
    if (request.idempotencyKey === undefined) return undefined
    const key = recordKey(request.idempotencyKey)
    return answerOf(await this.#options.storage.read<KeyRecord>(partition, key), request)
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
      const earlier = answerOf(draft.get<KeyRecord>(key), request)
      if (earlier !== undefined) return earlier
      const answer = step(draft)
      if (answer !== undefined) draft.put(key, { fingerprint: request.fingerprint, answer, at })
      return answer
    })
  }

  /**
   * For requests that are no single step (checkout, batch_init): they can safely run again, so the
   * answer is remembered after the effect and before it is given. 5xx answers are not remembered.
   * A repeat that comes while the first one runs here waits for its answer. Where another instance
   * runs it meanwhile, an effect outweighs a refusal.
   */
  async around(request: ShopRequest, run: () => Promise<ShopAnswer>): Promise<ShopAnswer> {
    const home = this.partitionFor(request)
    if (home === undefined) return run()
    const refusal = await this.#claim(request, home)
    if (refusal !== undefined) return refusal
    const key = request.idempotencyKey!
    const running = this.#running.get(key)
    if (running !== undefined) return running
    // Nothing is waited for between looking and running: the next one finds it.
    const answer = this.#answer(request, home, run)
    this.#running.set(key, answer)
    try {
      return await answer
    } finally {
      this.#running.delete(key)
    }
  }

  /** What was answered before, or what `run` answers now. */
  async #answer(
    request: ShopRequest,
    home: number,
    run: () => Promise<ShopAnswer>,
  ): Promise<ShopAnswer> {
    const { storage, clock } = this.#options
    const key = recordKey(request.idempotencyKey!)
    const before = await storage.read<KeyRecord>(home, key)
    if (before?.answer !== undefined) return before.answer
    const answer = await run()
    if (answer.kind === 'problem' && statusOf[answer.code] >= 500) return answer
    const { fingerprint } = request
    const at = clock.wallTime()
    const remember = (draft: Draft) => {
      const earlier = draft.get<KeyRecord>(key)
      // A key that was swept and taken by another request meanwhile stays that one's.
      if (earlier !== undefined && earlier.fingerprint !== fingerprint) return answer
      if (earlier?.answer !== undefined && !outweighs(answer, earlier.answer)) return earlier.answer
      draft.put(key, { fingerprint, answer, at })
      return answer
    }
    return storage.transact(home, [key], remember).catch((error: unknown) => {
      throw afterTheStart(error)
    })
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
      const dropped: { key: string; at: number }[] = []
      for await (const page of pagesOf(storage, partition, keyPrefix, { limit: scanPage })) {
        for (const { key, record } of page) {
          const { at } = record as KeyRecord
          const list = at < oldest ? dropped : kept
          list.push({ key, at })
        }
        if (page.length < scanPage) break
        await clock.sleep(0)
        if (this.#isClosed) return
      }
      const excess = kept.length - config.keptIdempotencyKeys
      if (excess > 0) {
        kept.sort((a, b) => a.at - b.at)
        dropped.push(...kept.slice(0, excess))
      }
      while (dropped.length > 0) {
        const some = dropped.splice(0, scanPage)
        const keys = some.map(({ key }) => key)
        await storage.transact(partition, keys, (draft) => {
          for (const { key, at } of some) {
            // One that was answered since it was looked at is no longer old.
            if (draft.get<KeyRecord>(key)?.at === at) draft.delete(key)
          }
        })
      }
    }
  }
}
