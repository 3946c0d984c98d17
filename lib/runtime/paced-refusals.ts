/**
 * Refuses a crowd a few at a time, so that it does not starve those who are being served: Node
 * reads every socket that has something before it goes on with anything else, and whoever is
 * refused at once asks again at once. While a refusal waits here its connection sends nothing.
 *
 * No limit of its own: one for each connection that is open (`MAX_CONNECTIONS`), and for what one
 * sends without waiting for answers (conversations.ts has its limit).
 */

/** Refusals between two looks at everything else, one or two milliseconds of work. */
const refusedAtOnce = 64

export class PacedRefusals {
  #waiting: Array<() => void> = []

  /** Resolves soon, in the order of coming. */
  turn(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve)
      if (this.#waiting.length === 1) setImmediate(() => this.#run())
    })
  }

  #run(): void {
    const first = this.#waiting.slice(0, refusedAtOnce)
    for (const resolve of first) resolve()
    this.#waiting = this.#waiting.slice(first.length)
    if (this.#waiting.length > 0) setImmediate(() => this.#run())
  }
}
