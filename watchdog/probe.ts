/**
 * Asks a process whether it is well, as a client would: over the network, within a bound.
 *
 * Promise: never throws, never takes longer than `withinMs`. A process that is stopped (SIGSTOP)
 * accepts connections and answers nothing, so every kind but `tcp` waits for an answer.
 */
import { get } from 'node:http'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../lib/runtime/clock.ts'
import type { ProbeSpec } from './process-spec.ts'

/**
 * `well`; `starting`: it answers that it is not ready yet; `refused`: it answers with an error that
 * no restart mends (a wrong password); `unwell`: no answer, or a wrong one.
 */
export type Health = 'well' | 'starting' | 'refused' | 'unwell'

export interface ProbeResult {
  readonly health: Health
  /** For people: what was answered, or why there was no answer. */
  readonly detail: string
}

const well: ProbeResult = { health: 'well', detail: 'answers' }
const unwell = (detail: string): ProbeResult => ({ health: 'unwell', detail })

/** More than this before an answer is understood is no answer. */
const largestAnswerBytes = 65_536

export async function probe(
  spec: ProbeSpec,
  { clock, withinMs }: { clock: Clock; withinMs: number },
): Promise<ProbeResult> {
  const late = Promise.withResolvers<ProbeResult>()
  const stop = new AbortController()
  const timer = clock.after(withinMs, () => late.resolve(unwell(`no answer in ${withinMs} ms`)))
  try {
    return await Promise.race([ask(spec, stop.signal), late.promise])
  } finally {
    timer.cancel()
    stop.abort()
  }
}

function ask(spec: ProbeSpec, signal: AbortSignal): Promise<ProbeResult> {
  if (spec.kind === 'none') return Promise.resolve(well)
  if (spec.kind === 'http') return askHttp(spec.url, spec.status, signal)
  const { host = '127.0.0.1', port } = spec
  const address = { host, port }
  if (spec.kind === 'tcp') return converse(address, undefined, () => well, signal)
  if (spec.kind === 'kafka') return converse(address, apiVersions, kafkaAnswer, signal)
  const { username = 'default', password } = spec
  const greeting = password === undefined ? [] : [['AUTH', username, password]]
  const question = Buffer.from([...greeting, ['PING']].map(command).join(''))
  return converse(address, question, (bytes) => redisAnswer(bytes, greeting.length), signal)
}

function askHttp(url: string, status: number, signal: AbortSignal): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const request = get(url, { agent: false, signal }, (response) => {
      response.resume()
      response.on('error', () => {})
      const isRight = response.statusCode === status
      resolve(isRight ? well : unwell(`answered ${response.statusCode}, not ${status}`))
    })
    request.on('error', (error) => resolve(unwell(error.message)))
  })
}

/** Sends a question and reads until `understand` makes sense of what came. */
function converse(
  address: { host: string; port: number },
  question: Buffer | undefined,
  understand: (bytes: Buffer) => ProbeResult | undefined,
  signal: AbortSignal,
): Promise<ProbeResult> {
  return new Promise((resolve) => {
    let bytes = Buffer.alloc(0)
    const socket: Socket = connect(address)
    const end = (result: ProbeResult) => {
      socket.destroy()
      resolve(result)
    }
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    socket.on('error', (error) => end(unwell(error.message)))
    socket.on('close', () => end(unwell('closed the connection without an answer')))
    socket.on('connect', () => {
      if (question === undefined) end(well)
      else socket.write(question)
    })
    socket.on('data', (more: Buffer) => {
      bytes = Buffer.concat([bytes, more])
      const result = understand(bytes)
      if (result !== undefined) end(result)
      else if (bytes.length > largestAnswerBytes) end(unwell('answered something else'))
    })
  })
}

/** A command as RESP2 writes it. */
const command = (words: readonly string[]) =>
  `*${words.length}\r\n${words.map((w) => `$${Buffer.byteLength(w)}\r\n${w}\r\n`).join('')}`

/**
 * The answer to AUTH, if that was asked, and to PING. Of the errors a restart mends only BUSY, a
 * script that does not end; the others (a wrong password, a full disk) need a person.
 */
function redisAnswer(bytes: Buffer, before: number): ProbeResult | undefined {
  const lines = bytes.toString('utf8').split('\r\n')
  const answers = lines.slice(0, -1)
  const failure = answers.find((line) => line.startsWith('-'))
  if (failure !== undefined) {
    const detail = failure.slice(1)
    // Who asks without a password wants to know only whether somebody is there.
    if (failure.startsWith('-NOAUTH') && before === 0) return well
    if (failure.startsWith('-LOADING')) return { health: 'starting', detail }
    return failure.startsWith('-BUSY') ? unwell(detail) : { health: 'refused', detail }
  }
  if (answers.length <= before) return undefined
  return answers[before] === '+PONG' ? well : unwell(`answered ${answers[before]}`)
}

/** ApiVersions, version 0, of no client: what every broker answers before anyone logs in. */
const correlation = 0x7111
const apiVersions = Buffer.alloc(14)
apiVersions.writeInt32BE(10, 0)
apiVersions.writeInt16BE(18, 4)
apiVersions.writeInt32BE(correlation, 8)
apiVersions.writeInt16BE(-1, 12)

function kafkaAnswer(bytes: Buffer): ProbeResult | undefined {
  if (bytes.length < 8) return undefined
  const isRight = bytes.readInt32BE(4) === correlation
  return isRight ? well : unwell('answered something that is not Kafka')
}
