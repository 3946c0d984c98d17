/**
 * Numbers for values: equal values get the same small number, so that a state of the whole model is
 * a short list of numbers and the pure functions run once for each distinct question.
 */

/** Numbers must fit into one UTF-16 unit of a state's key. */
const mostValues = 65_535

export class Interner<V> {
  readonly #numbers = new Map<string, number>()
  readonly #values: V[] = []

  numberOf(value: V): number {
    const text = JSON.stringify(value)
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const number = this.#values.length
    if (number > mostValues) throw new Error(`More than ${mostValues} distinct values`)
    this.#numbers.set(text, number)
    this.#values.push(value)
    return number
  }

  valueOf(number: number): V {
    return this.#values[number]!
  }
}
