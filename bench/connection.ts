/**
 * One keep-alive connection to a shop, one request at a time, without pipelining.
 *
 * It knows just the HTTP that the shop speaks: no body in a request, Content-Length in an answer.
 * That is why it costs a quarter of node:http's client (generator-cost.ts measures it), and the
 * load generator shares two cores with the shop. Anything else in an answer throws. It never
 * repeats a request: what became of one that was cut off is for the caller to find out.
 */
import { connect, type Socket } from 'node:net'

/** No status: the connection ended after the request was sent; it may have happened or not. */
export const cutOff = 0
/** No status: there was no connection; the request was never sent. */
export const neverSent = -1

/** `status` is that of HTTP, `cutOff` or `neverSent`. */
export type Answered = (status: number, body: string) => void

const headEnd = '\r\n\r\n'
const lengthPattern = /\r\ncontent-length: *([0-9]+)/i
const closePattern = /\r\nconnection: *close/i

export class Connection {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined
  #received = ''
  #answered: Answered | undefined
  /** Waits for the socket to open. */
  #waiting: string | undefined

  constructor(origin: string) {
    const { hostname, port } = new URL(origin)
    this.#host = hostname.replace(/^\[|\]$/g, '')
    this.#port = Number(port || '80')
  }

  /**
   * Sends when connected, connecting first if need be; `answered` is called exactly once, later.
   */
  send(method: 'GET' | 'POST', path: string, answered: Answered): void {
    if (this.#answered !== undefined) throw new Error('A request of this connection is under way.')
    this.#answered = answered
    const length = method === 'POST' ? 'Content-Length: 0\r\n' : ''
    const request = `${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${length}\r\n`
    if (this.#socket === undefined) {
      this.#waiting = request
      this.#open()
    } else this.#socket.write(request, 'latin1')
  }

  /** Resolves when it is open, or cannot be opened: then the next `send` tries again. */
  opened(): Promise<void> {
    if (this.#socket === undefined) this.#open()
    const socket = this.#socket!
    if (!socket.connecting) return Promise.resolve()
    return new Promise((resolve) => {
      socket.once('connect', resolve)
      socket.once('close', () => resolve())
    })
  }

  /** A request under way is told `cutOff`. */
  close(): void {
    this.#socket?.destroy()
  }

  #open(): void {
    const socket = connect({ host: this.#host, port: this.#port, noDelay: true })
    this.#socket = socket
    this.#received = ''
    socket.setEncoding('latin1')
    socket.on('connect', () => {
      if (this.#waiting === undefined) return
      socket.write(this.#waiting, 'latin1')
      this.#waiting = undefined
    })
    socket.on('data', (text: string) => this.#receive(text))
    // 'close' always follows, and says all that is needed.
    socket.on('error', () => {})
    socket.on('close', () => this.#lost(socket))
  }

  #lost(socket: Socket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    const status = this.#waiting === undefined ? cutOff : neverSent
    this.#waiting = undefined
    this.#end(status, '')
  }

  #receive(text: string): void {
    const received = this.#received === '' ? text : this.#received + text
    const end = received.indexOf(headEnd)
    const length = end < 0 ? null : lengthPattern.exec(received)
    if (end >= 0 && (length === null || length.index > end)) {
      throw new Error(`An answer without Content-Length: ${received.slice(0, end)}`)
    }
    const bodyStart = end + headEnd.length
    if (length === null || received.length < bodyStart + Number(length[1])) {
      this.#received = received
      return
    }
    this.#received = ''
    if (closePattern.test(received.slice(0, end))) {
      this.#socket?.destroy()
      this.#socket = undefined
    }
    this.#end(Number(received.slice(9, 12)), received.slice(bodyStart))
  }

  #end(status: number, body: string): void {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(status, body)
  }
}
