/**
 * A few connections that many requests share, each with a promise: for all that is not measured.
 */
import { Connection } from './connection.ts'

export interface Answer {
  /** Of HTTP, or one of connection.ts where there is no answer. */
  readonly status: number
  readonly body: string
}

interface Request {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly resolve: (answer: Answer) => void
}

export class ConnectionPool {
  readonly #free: Connection[]
  readonly #all: readonly Connection[]
  /** Requests that wait for a connection, oldest first. */
  readonly #waiting: Request[] = []
  #firstWaiting = 0

  constructor(origin: string, connections: number) {
    this.#all = Array.from({ length: connections }, () => new Connection(origin))
    this.#free = [...this.#all]
  }

  /** Never rejects and never repeats a request. */
  exchange(method: 'GET' | 'POST', path: string): Promise<Answer> {
    return new Promise((resolve) => {
      const request = { method, path, resolve }
      const connection = this.#free.pop()
      if (connection === undefined) this.#waiting.push(request)
      else this.#send(connection, request)
    })
  }

  close(): void {
    for (const connection of this.#all) connection.close()
  }

  #send(connection: Connection, { method, path, resolve }: Request): void {
    connection.send(method, path, (status, body) => {
      resolve({ status, body })
      const next = this.#waiting[this.#firstWaiting]
      if (next === undefined) {
        this.#free.push(connection)
        return
      }
      this.#firstWaiting++
      this.#send(connection, next)
    })
  }
}

/** The body of a 200 answer; throws with what came instead. */
export async function succeed(
  pool: ConnectionPool,
  method: 'GET' | 'POST',
  path: string,
): Promise<string> {
  const { status, body } = await pool.exchange(method, path)
  if (status !== 200) throw new Error(`${method} ${path} answered ${status}: ${body}`)
  return body
}
