/**
 * What one step sees and writes: the committed records under the changes of its own group.
 * A step that throws takes back its own changes and nobody else's. One draft serves all steps of
 * all groups, because steps are synchronous and this is the hottest loop of the shop.
 * Next: group-commit.ts, which owns the draft.
 */
import { placeOf } from './keys.ts'
import type { Draft, Json } from './storage.ts'

/** A record and its JSON text: encoded once, when it is put, so that a bad one fails its step. */
export interface StoredRecord {
  readonly record: Json
  readonly text: string
}

/** By place; `null` deletes. */
export type Changes = ReadonlyMap<string, StoredRecord | null>

interface Source {
  encode(record: Json): StoredRecord
  read(place: string): Json | undefined
}

/**
 * JSON of a record; a TypeError for what JSON cannot carry (a cycle, a BigInt, NaN, a function).
 */
export function encodeRecord(record: Json): string {
  const text = JSON.stringify(record) as string | undefined
  if (text === undefined || text === 'null') {
    throw new TypeError(`A storage record must be JSON and not null; this is ${String(record)}.`)
  }
  return text
}

/** Up to so many keys of a step are looked up one by one: that is quicker than making a map. */
const fewKeys = 16

export class GroupDraft implements Draft {
  readonly #source: Source
  #changes = new Map<string, StoredRecord | null>()
  /** Place and former change of each write of the running step, oldest first. */
  readonly #undo: Array<[place: string, before: StoredRecord | null | undefined]> = []
  /** The keys that the running step has named; undefined while none runs. */
  #named: readonly string[] | undefined
  /** Their places: made once a step, because text is hashed once an object. */
  #places: readonly string[] = []
  /** The places by their keys, where there are too many to look them up one by one. */
  #placesByKey: ReadonlyMap<string, string> | undefined
  readonly #reads: string[] = []

  constructor(source: Source) {
    this.#source = source
  }

  beginGroup(): void {
    this.#changes = new Map()
  }

  endGroup(): Changes {
    return this.#changes
  }

  /** Runs one step; rethrows what it throws, after none of its changes is left. */
  run(partition: number, keys: readonly string[], step: (draft: Draft) => unknown): unknown {
    this.#named = keys
    this.#places = keys.map((key) => placeOf(partition, key))
    this.#placesByKey =
      keys.length > fewKeys
        ? new Map(keys.map((key, index) => [key, this.#places[index]!]))
        : undefined
    this.#undo.length = 0
    this.#reads.length = 0
    try {
      const result = step(this)
      if (result instanceof Promise) throw new TypeError('A storage step must be synchronous.')
      return result
    } catch (error) {
      for (const [place, before] of this.#undo.reverse()) {
        if (before === undefined) this.#changes.delete(place)
        else this.#changes.set(place, before)
      }
      this.#undo.length = 0
      throw error
    } finally {
      this.#named = undefined
    }
  }

  /** Keys that the step which ran last has read, each once or more; also if it threw. */
  get lastReads(): readonly string[] {
    return this.#reads
  }

  /** What the step which ran last has changed, by place: nothing if it threw. */
  lastChanges(): Changes {
    const changed = new Map<string, StoredRecord | null>()
    for (const [place] of this.#undo) changed.set(place, this.#changes.get(place)!)
    return changed
  }

  get<R extends Json>(key: string): R | undefined {
    const place = this.#placeOf(key)
    this.#reads.push(key)
    const change = this.#changes.get(place)
    if (change === undefined) return this.#source.read(place) as R | undefined
    return change === null ? undefined : (change.record as R)
  }

  put(key: string, record: Json): void {
    this.#change(this.#placeOf(key), this.#source.encode(record))
  }

  delete(key: string): void {
    this.#change(this.#placeOf(key), null)
  }

  /** A change outside any step: nothing takes it back. */
  putUnread(place: string, stored: StoredRecord): void {
    this.#changes.set(place, stored)
  }

  #change(place: string, to: StoredRecord | null): void {
    this.#undo.push([place, this.#changes.get(place)])
    this.#changes.set(place, to)
  }

  #placeOf(key: string): string {
    if (this.#named === undefined) throw new Error('A draft was used after its step had ended.')
    const place =
      this.#placesByKey === undefined
        ? this.#places[this.#named.indexOf(key)]
        : this.#placesByKey.get(key)
    // Redis reads the named keys before it runs the step, so no other key may be touched anywhere.
    if (place === undefined) {
      throw new Error(`A step touched ${JSON.stringify(key)}, which transact was not told of.`)
    }
    return place
  }
}
