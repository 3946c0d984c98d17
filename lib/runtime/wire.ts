/**
 * What is refused before any route is looked for: requests that carry a body, come without one Host
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
import { answeredNext, Conversations } from './conversations.ts'
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
  const conversations = new Conversations()
  const onConnection = limited(limits.maxConnections)

  /** Of one whose body turned out to be empty; meanwhile another may have been refused. */
  function begin(request: IncomingMessage, response: ServerResponse): void {
    if (!conversations.isOver(request.socket)) serve(request, response)
  }

  function admit(request: IncomingMessage, response: ServerResponse): void {
    const { headers, socket } = request
    if (!conversations.takes(socket, response) || conversations.isOver(socket)) return
    const wrong = (code: ErrorCode, detail: string) => {
      conversations.end(socket)
      refuse(request, response, clock, code, detail)
    }
    if (request.rawHeaders.length > 2 * limits.maxHeaders) {
      wrong('headers_too_large', `A request may have ${limits.maxHeaders} header fields.`)
    } else if (request.httpVersionMajor !== 1) {
      wrong('invalid_request', 'This is not HTTP/1.1.')
    } else if (!isHostRight(request)) {
      wrong('invalid_request', 'HTTP/1.1 demands one Host header, with a host in it.')
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
      conversations.end(socket)
      refuseSocket(socket, clock, code, detail)
    }
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

/** A name or an address, and perhaps a port; what else it may be is the same to us, as to nginx. */
const hostPattern = /^(?!:)[^\s/]+$/

/** RFC 9112, 3.2: one Host; RFC 9110, 4.2.1: not an empty one. HTTP/1.0 may leave it out. */
function isHostRight({ headers, rawHeaders, httpVersionMinor }: IncomingMessage): boolean {
  const { host } = headers
  if (host === undefined) return httpVersionMinor === 0
  let hosts = 0
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (name.length === 'host'.length && name.toLowerCase() === 'host') hosts++
  }
  return hosts === 1 && hostPattern.test(host)
}

/** Lets so many connections be open; more are ended at once. */
function limited(most: number): (socket: Duplex) => void {
  let connections = 0
  return (socket) => {
    if (connections >= most) {
      socket.destroy()
      return
    }
    connections++
    socket.once('close', () => connections--)
  }
}

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
