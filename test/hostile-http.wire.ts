/**
 * Sends a hostile request on a socket of its own and says what was wrong with the answer. Promise:
 * it ends, also when the server never answers, and the connection is closed afterwards.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { HostileRequest } from './hostile-http.ts'

export interface Answer {
  readonly status: number
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

/** The client's end of one connection. Bytes are Latin-1: one character is one byte. */
export interface Wire {
  /** Resolves when the kernel has taken the bytes, or the connection is gone. */
  write(bytes: string): Promise<void>
  /** Sends these bytes and says that no more will come. */
  end(bytes: string): void
  /** Sends these bytes and resets the connection. */
  hangUp(bytes: string): void
  fault(what: string): void
  /** There is an answer, or the connection is closed. */
  readonly settled: boolean
}

/** What was wrong with how a server took this; an empty list when all was right. */
export async function faultsOf(
  hostile: HostileRequest,
  target: { host: string; port: number; answerWithinMs: number },
): Promise<readonly string[]> {
  const faults: string[] = []
  const socket = connect({ host: target.host, port: target.port, allowHalfOpen: true })
  const settled = Promise.withResolvers<void>()
  let received = ''
  let closed = false
  socket.setEncoding('latin1').setNoDelay()
  const look = () => {
    if (closed || answersIn(received).length >= hostile.answers) settled.resolve()
  }
  socket.on('data', (bytes: string) => {
    received += bytes
    look()
  })
  socket.on('error', () => {})
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      closed = true
      look()
    })
  }
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  const wire = wireOf(socket, faults, () => closed || received !== '')
  const late = new AbortController()
  const timeout = setTimeout(target.answerWithinMs, 'late', { signal: late.signal })
  await hostile.send(wire)
  if ((await Promise.race([settled.promise, timeout.catch(() => {})])) === 'late') {
    faults.push(`no answer within ${target.answerWithinMs} ms`)
  }
  late.abort()
  socket.destroy()
  return [...faults, ...judge(hostile, answersIn(received), received)]
}

function wireOf(socket: Socket, faults: string[], settled: () => boolean): Wire {
  return {
    async write(bytes) {
      const taken = Promise.withResolvers<void>()
      socket.once('close', taken.resolve)
      socket.write(bytes, 'latin1', () => taken.resolve())
      await taken.promise
      socket.off('close', taken.resolve)
    },
    end: (bytes) => void socket.end(bytes, 'latin1'),
    hangUp: (bytes) => void socket.write(bytes, 'latin1', () => socket.resetAndDestroy()),
    fault: (what) => void faults.push(what),
    get settled() {
      return settled()
    },
  }
}

function answersIn(received: string): Answer[] {
  const answers: Answer[] = []
  for (let rest = received; ; ) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd < 0) return answers
    const [statusLine = '', ...lines] = rest.slice(0, headEnd).split('\r\n')
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
      }),
    )
    const bodyEnd = headEnd + 4 + Number(headers.get('content-length') ?? 0)
    if (rest.length < bodyEnd) return answers
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1])
    answers.push({ status, headers, body: rest.slice(headEnd + 4, bodyEnd) })
    rest = rest.slice(bodyEnd)
  }
}

/** Traces of the inside that no answer may show: stack frames, file names, library names. */
const inside = /\bat .+:\d+:\d+|node_modules|node:|\.[jt]s\b|fastify|FST_ERR|HPE_|errno/i

function judge(hostile: HostileRequest, answers: readonly Answer[], received: string): string[] {
  const faults: string[] = []
  if (answers.length === 0) {
    if (received !== '') faults.push(`half an answer: ${received.slice(0, 80)}`)
    if (!hostile.right.includes('closed')) faults.push('closed without an answer')
    return faults
  }
  if (answers.length !== hostile.answers) faults.push(`${answers.length} answers`)
  for (const answer of answers) {
    const { status, headers, body } = answer
    if (!hostile.right.includes(status)) {
      faults.push(`answered ${status}, not ${hostile.right.join(' or ')}: ${body.slice(0, 200)}`)
    }
    for (const name of hostile.headers) {
      if (!headers.has(name)) faults.push(`no header ${name}`)
    }
    if (inside.test(body)) faults.push(`tells of the inside: ${body.slice(0, 200)}`)
    if (status >= 400) faults.push(...notAProblem(answer))
    if (status === 503 && !headers.has('retry-after')) faults.push('503 without Retry-After')
  }
  return faults
}

function notAProblem({ status, headers, body }: Answer): string[] {
  if (headers.get('content-type') !== 'application/problem+json') return ['not a problem document']
  const problem = JSON.parse(body) as Record<string, unknown>
  const wrong = problem.status !== status || problem.type !== `/problems/${problem.code}`
  const words = typeof problem.title === 'string' && typeof problem.detail === 'string'
  return wrong || !words ? [`a wrong problem document: ${body}`] : []
}
