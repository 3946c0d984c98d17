/**
 * The newest decoded records of a database: saves the read and the parse (3 µs together) of what
 * checkouts touch again and again. Two generations instead of a list by last use: when the young
 * one is full it becomes the old one, and what is used again moves up. Holds durable records only.
 */

/** Records of one generation; at most twice as many are kept. */
export const CACHE_GENERATION_RECORDS = 16_384
/** Records with longer JSON are not kept, so that the whole stays below about 100 MB. */
export const CACHED_RECORD_CHARACTERS = 1_024

export class RecordCache<R> {
  readonly #generationRecords: number
  readonly #longest: number
  #young = new Map<string, R>()
  #old = new Map<string, R>()

  constructor(generationRecords = CACHE_GENERATION_RECORDS, longest = CACHED_RECORD_CHARACTERS) {
    this.#generationRecords = generationRecords
    this.#longest = longest
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
    if (characters > this.#longest) this.delete(place)
    else this.#keep(place, record)
  }

  /** A newer record, kept where the former one is: most of what is written is never read. */
  renew(place: string, record: R, characters: number): void {
    if (this.#young.has(place) || this.#old.has(place)) this.set(place, record, characters)
  }

  delete(place: string): void {
    this.#young.delete(place)
    this.#old.delete(place)
  }

  #keep(place: string, record: R): void {
    if (this.#young.size >= this.#generationRecords) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(place, record)
  }
}
