/**
 * The newest decoded records of a database: saves the read and the parse (3 µs together) of what
 * checkouts touch again and again. Two generations instead of a list by last use: when the young
 * one is full it becomes the old one, and what is used again moves up. Holds durable records only.
 */

export class RecordCache<R> {
  readonly #generationRecords: number
  readonly #longest: number
  #young = new Map<string, R>()
  #old = new Map<string, R>()

  /**
   * At most twice `generationRecords` are kept, and none whose JSON is longer than `longest`, so
   * that the memory it takes is bounded.
   */
  constructor(generationRecords: number, longest: number) {
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
