/**
 * Refuses a crowd a few at a time, so that it does not starve those who are being served: Node
 * reads every socket that has something before it goes on with anything else, and whoever is
 * refused at once asks again at once. While a refusal waits here its connection sends nothing.
 *
 * No limit of its own: one for each connection that is open (`MAX_CONNECTIONS`), and for what one
 * sends without waiting for answers (conversations.ts has its limit). Of a connection that has
 * ended nothing is kept.
 */
import type { Duplex } from 'node:stream'
import { ChurnMap } from './churn-map.ts'

/** Refusals between two looks at everything else, one or two milliseconds of work. */
const refusedAtOnce = 64

interface Waiting {
  readonly connection: Duplex
  /** In the order of their requests. */
  readonly resolves: Array<() => void>
  readonly leave: () => void
}

export class PacedRefusals {
  /** The next to be refused first. */
  readonly #waiting = new ChurnMap<Duplex, Waiting>()
  #isRunning = false

  /** Connections that a refusal waits for. */
  get waiting(): number {
    return this.#waiting.size
  }

  /**
   * Resolves soon, connections in the order of coming, one refusal of each at a time. Never if the
   * connection ends before: nobody is there to be refused.
   */
  turn(connection: Duplex): Promise<void> {
    return new Promise((resolve) => {
      if (connection.destroyed) return
      const present = this.#waiting.get(connection)
      if (present !== undefined) {
        present.resolves.push(resolve)
        return
      }
      const leave = () => this.#waiting.delete(connection)
      connection.once('close', leave)
      this.#waiting.set(connection, { connection, resolves: [resolve], leave })
      if (this.#isRunning) return
      this.#isRunning = true
      setImmediate(() => this.#run())
    })
  }

  #run(): void {
    for (let refused = 0; refused < refusedAtOnce && this.#waiting.size > 0; refused++) {
      this.#next(this.#waiting.first()!)
    }
    this.#isRunning = this.#waiting.size > 0
    if (this.#isRunning) setImmediate(() => this.#run())
  }

  #next(first: Waiting): void {
    const { connection, resolves, leave } = first
    resolves.shift()!()
    this.#waiting.delete(connection)
    if (resolves.length > 0) this.#waiting.set(connection, first)
    else connection.off('close', leave)
  }
}
