/**
 * A Map for entries that come and go by the thousand a second, in the order of their coming.
 *
 * Why not a plain Map: each time its table is full of deleted entries, V8 makes a new one, and the
 * former table keeps its entries and a link to the new one (its iterators need both). Once such a
 * table is old, the small collections take it for alive, and so all tables after it with whatever
 * was in them: garbage that only a collection of the whole heap frees. Here a table holds boxes,
 * and the box of what was deleted is empty.
 */
interface Box<V> {
  value: V | undefined
}

export class ChurnMap<K, V extends object> {
  readonly #boxes = new Map<K, Box<V>>()

  get size(): number {
    return this.#boxes.size
  }

  get(key: K): V | undefined {
    return this.#boxes.get(key)?.value
  }

  /** A key that is here keeps its place in the order. */
  set(key: K, value: V): void {
    const box = this.#boxes.get(key)
    if (box === undefined) this.#boxes.set(key, { value })
    else box.value = value
  }

  delete(key: K): void {
    const box = this.#boxes.get(key)
    if (box === undefined) return
    box.value = undefined
    this.#boxes.delete(key)
  }

  clear(): void {
    for (const box of this.#boxes.values()) box.value = undefined
    this.#boxes.clear()
  }

  /** The value that came first of those that are here. */
  first(): V | undefined {
    return this.#boxes.values().next().value?.value
  }

  /** As of a Map: what is deleted meanwhile is left out, what is set is met. */
  *entries(): Generator<readonly [K, V], void> {
    for (const [key, { value }] of this.#boxes) yield [key, value!]
  }

  keys(): MapIterator<K> {
    return this.#boxes.keys()
  }

  *values(): Generator<V, void> {
    for (const { value } of this.#boxes.values()) yield value!
  }
}
