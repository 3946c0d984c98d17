/**
 * How answers are written, on a response or (when no request could be understood) on a bare socket.
 * Each answer is one write with its length; a client that has gone is no error.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from './clock.ts'
import { type ErrorCode, statusOf } from './errors.ts'
import { problemDocument, problemType, retryAfterSeconds } from './problem.ts'
import type { ShopAnswer } from './route.ts'

/**
 * How long a refused client may go on sending into the void. Closing at once would make the kernel
 * reset the connection, and the reset can overtake the answer (RFC 9112, 9.6).
 */
const lingerMs = 500

const plainText = 'text/plain; charset=utf-8'

type Headers = Record<string, string | number>

function send(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) })
  response.end(body)
}

/**
 * Writes what a handler answered with. Throws, before anything is written, if JSON cannot say it.
 */
export function sendAnswer(response: ServerResponse, answer: ShopAnswer): void {
  if (answer.kind === 'json') {
    send(response, 200, 'application/json', JSON.stringify(answer.body))
  } else if (answer.kind === 'text') {
    send(response, 200, answer.type ?? plainText, answer.body)
  } else {
    sendProblem(response, answer.code, answer.detail)
  }
}

function problemHead(code: ErrorCode, body: string): Headers {
  const headers: Headers = {
    'Content-Type': problemType,
    'Content-Length': Buffer.byteLength(body),
  }
  if (statusOf[code] === 503) headers['Retry-After'] = retryAfterSeconds
  return headers
}

export function sendProblem(
  response: ServerResponse,
  code: ErrorCode,
  detail: string,
  headers: Headers = {},
): void {
  const body = JSON.stringify(problemDocument(code, detail))
  response.writeHead(statusOf[code], { ...problemHead(code, body), ...headers })
  response.end(body)
}

/** Answers at once and drops what the client goes on to send; then the connection is closed. */
export function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  clock: Clock,
  code: ErrorCode,
  detail: string,
): void {
  const body = JSON.stringify(problemDocument(code, detail))
  response.writeHead(statusOf[code], { ...problemHead(code, body), Connection: 'close' })
  response.write(body)
  const timer = clock.after(lingerMs, finish)
  request.once('end', finish).once('error', finish).resume()
  response.once('close', finish)
  function finish(): void {
    timer.cancel()
    response.end()
  }
}

/** The same where no request was understood: the answer is written by hand on the socket. */
export function refuseSocket(socket: Duplex, clock: Clock, code: ErrorCode, detail: string): void {
  const body = JSON.stringify(problemDocument(code, detail))
  const head = Object.entries({ ...problemHead(code, body), Connection: 'close' })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
  const timer = clock.after(lingerMs, () => socket.destroy())
  socket.on('error', () => socket.destroy()).once('close', () => timer.cancel())
  socket.end(`HTTP/1.1 ${statusOf[code]} ${statusText[code] ?? 'Error'}\r\n${head}\r\n${body}`)
}

const statusText: Partial<Record<ErrorCode, string>> = {
  invalid_request: 'Bad Request',
  headers_too_large: 'Request Header Fields Too Large',
  request_timeout: 'Request Timeout',
  method_not_allowed: 'Method Not Allowed',
  body_not_allowed: 'Content Too Large',
}
