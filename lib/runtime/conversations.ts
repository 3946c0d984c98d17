/**
 * What is known of open connections: how many requests wait on each, and which have had their last
 * answer. Forgotten with the connection.
 */
import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'

/**
 * Requests of one connection that wait behind another's answer. Node would read on for as long as
 * nothing is written; who sends more without waiting is cut off, and nothing says what became of
 * those under way.
 */
const mostBehind = 128

export class Conversations {
  /** Connections whose last answer has been given: what comes on them now must not be done. */
  readonly #over = new WeakSet<Duplex>()
  readonly #behind = new WeakMap<Duplex, number>()

  /** No answer follows the one that is given now. */
  end(socket: Duplex): void {
    this.#over.add(socket)
  }

  isOver(socket: Duplex): boolean {
    return this.#over.has(socket)
  }

  /** A request has come; false: too many are there before it, and the connection has ended. */
  takes(socket: Duplex, response: ServerResponse): boolean {
    if (answeredNext(socket) === response) return true
    const count = this.#behind.get(socket) ?? 0
    if (count >= mostBehind) {
      this.end(socket)
      socket.destroy()
      return false
    }
    this.#behind.set(socket, count + 1)
    response.once('close', () => this.#behind.set(socket, this.#behind.get(socket)! - 1))
    return true
  }
}

/** The only trace that node leaves of a request under way on this connection. */
export const answeredNext = (socket: Duplex): ServerResponse | null | undefined =>
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage
