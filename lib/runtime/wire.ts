/**
 * What is refused before any route is looked for: requests that carry a body, come without a Host
 * or with too many headers, connections beyond the limit, bytes that are not HTTP, slow senders.
 * Promise: a client that is owed the answer to a request under way is never sent another one in its
 * place; its connection is closed instead, which says nothing about the outcome. What comes after
 * a refusal (Node goes on reading) is not done: its client takes the refusal for the answer.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { refuse, refuseSocket } from './answer.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import type { ErrorCode } from './errors.ts'

export type WireLimits = Pick<
  Config,
  | 'headersTimeoutMs'
  | 'requestTimeoutMs'
  | 'keepAliveTimeoutMs'
  | 'maxConnections'
  | 'maxHeaderBytes'
  | 'maxHeaders'
>

type Serve = (request: IncomingMessage, response: ServerResponse) => void

/**
 * Requests of one connection that wait behind another's answer. Node would read on for as long as
 * nothing is written; who sends more without waiting is cut off, and nothing says what became of
 * those under way.
 */
const mostBehind = 128
/** Longest pause between two looks for connections that are too slow. */
const longestCheckMs = 1_000
/** Looks within the shortest limit, so that a short limit is kept as well. */
const checksPerLimit = 4

export interface Wire {
  /** A server that is not listening yet; servers of one wire share its limits. */
  createServer(): Server
}

export function createWire(limits: WireLimits, clock: Clock, serve: Serve): Wire {
  /** Requests whose handler has not started, because their body may still turn out to be empty. */
  const waiting = new WeakSet<ServerResponse>()
  /** Connections whose last answer has been given: what comes on them now must not be done. */
  const refused = new WeakSet<Duplex>()
  const behind = new WeakMap<Duplex, number>()
  let connections = 0

  /** False: there are too many, and the connection has ended. */
  function queues(socket: Duplex, response: ServerResponse): boolean {
    const count = behind.get(socket) ?? 0
    if (count >= mostBehind) {
      refused.add(socket)
      socket.destroy()
      return false
    }
    behind.set(socket, count + 1)
    response.once('close', () => behind.set(socket, behind.get(socket)! - 1))
    return true
  }

  /** Of one whose body turned out to be empty; meanwhile another may have been refused. */
  function begin(request: IncomingMessage, response: ServerResponse): void {
    if (!refused.has(request.socket)) serve(request, response)
  }

  function admit(request: IncomingMessage, response: ServerResponse): void {
    const { headers, socket } = request
    if (answeredNext(socket) !== response && !queues(socket, response)) return
    if (refused.has(socket)) return
    const wrong = (code: ErrorCode, detail: string) => {
      refused.add(socket)
      refuse(request, response, clock, code, detail)
    }
    if (request.rawHeaders.length > 2 * limits.maxHeaders) {
      wrong('headers_too_large', `A request may have ${limits.maxHeaders} header fields.`)
    } else if (request.httpVersionMajor !== 1) {
      wrong('invalid_request', 'This is not HTTP/1.1.')
    } else if (headers.host === undefined && request.httpVersionMinor === 1) {
      wrong('invalid_request', 'The Host header is missing: HTTP/1.1 demands it.')
    } else if (headers['transfer-encoding'] !== undefined) {
      waiting.add(response)
      request.once('data', () => {
        waiting.delete(response)
        wrong('body_not_allowed', noBody)
      })
      request.once('end', () => {
        waiting.delete(response)
        if (!response.headersSent) begin(request, response)
      })
    } else if (Number(headers['content-length'] ?? 0) !== 0) {
      wrong('body_not_allowed', noBody)
    } else {
      begin(request, response)
    }
  }

  function refuseUnlessOwed(socket: Duplex, code: ErrorCode, detail: string): void {
    if (socket.writableEnded) return
    const underWay = answeredNext(socket)
    if (!socket.writable || (underWay && !waiting.has(underWay))) socket.destroy()
    else {
      refused.add(socket)
      refuseSocket(socket, clock, code, detail)
    }
  }

  function onConnection(socket: Duplex): void {
    if (connections >= limits.maxConnections) {
      socket.destroy()
      return
    }
    connections++
    socket.once('close', () => connections--)
  }

  return {
    createServer() {
      return createServer(serverOptions(limits))
        .on('request', admit)
        .on('checkContinue', admit)
        .on('checkExpectation', admit)
        .on('clientError', (error, socket) => refuseUnlessOwed(socket, ...problemOf(error, limits)))
        .on('connection', onConnection)
        .on('connect', (_request: IncomingMessage, socket: Duplex) =>
          refuseUnlessOwed(socket, 'method_not_allowed', 'This is a shop, not a proxy.'),
        )
    },
  }
}

/** The only trace that node leaves of a request under way on this connection. */
const answeredNext = (socket: Duplex) =>
  (socket as { _httpMessage?: ServerResponse | null })._httpMessage

const serverOptions = (limits: WireLimits) => ({
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  keepAliveTimeout: limits.keepAliveTimeoutMs,
  maxHeaderSize: limits.maxHeaderBytes,
  connectionsCheckingInterval: Math.min(
    longestCheckMs,
    Math.ceil(limits.headersTimeoutMs / checksPerLimit),
  ),
  // Looked at in `admit`, whose answers are problem documents.
  requireHostHeader: false,
})

const noBody = 'Requests carry everything in their path: send no body.'

function problemOf(error: NodeJS.ErrnoException, limits: WireLimits): [ErrorCode, string] {
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const most = `${limits.maxHeaderBytes} bytes of request line and headers`
    return ['headers_too_large', `A request may have ${most}.`]
  }
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    const headers = `its headers within ${limits.headersTimeoutMs} ms`
    return [
      'request_timeout',
      `A request must arrive within ${limits.requestTimeoutMs} ms, ${headers}.`,
    ]
  }
  return ['invalid_request', 'This is not a well-formed HTTP/1.1 request.']
}
