/**
 * The newest decoded records of a database: saves the read and the parse (3 µs together) of what
 * checkouts touch again and again. Two generations instead of a list by last use: when the young
 * one is full it becomes the old one, and what is used again moves up. Holds durable records only.
 */

export interface RecordCacheLimits<R> {
  /** Of each of the two generations. */
  readonly records: number
  /** Of its JSON; a longer record is not kept. */
  readonly longest: number
  /** Of each generation's JSON, where that is to be limited too. */
  readonly characters?: { readonly most: number; of(record: R): number }
}

export class RecordCache<R> {
  readonly #limits: RecordCacheLimits<R>
  #young = new Map<string, R>()
  #old = new Map<string, R>()
  /** Of the young. */
  #characters = 0

  constructor(limits: RecordCacheLimits<R>) {
    this.#limits = limits
  }

  get(place: string): R | undefined {
    const young = this.#young.get(place)
    if (young !== undefined) return young
    const old = this.#old.get(place)
    if (old !== undefined) this.#keep(place, old)
    return old
  }

  /** `characters` is the length of its JSON. */
  set(place: string, record: R, characters: number): void {
    if (characters > this.#limits.longest) this.delete(place)
    else this.#keep(place, record)
  }

  delete(place: string): void {
    this.#count(this.#young.get(place), -1)
    this.#young.delete(place)
    this.#old.delete(place)
  }

  #keep(place: string, record: R): void {
    const { records, characters } = this.#limits
    if (this.#young.size >= records || this.#characters >= (characters?.most ?? Infinity)) {
      this.#old = this.#young
      this.#young = new Map()
      this.#characters = 0
    }
    if (characters !== undefined) {
      this.#count(this.#young.get(place), -1)
      this.#count(record, 1)
    }
    this.#young.set(place, record)
  }

  #count(record: R | undefined, times: 1 | -1): void {
    if (record !== undefined) this.#characters += times * (this.#limits.characters?.of(record) ?? 0)
  }
}
