/**
 * Spans for OpenTelemetry, sent in batches to a collector as OTLP over HTTP, in JSON: one for each
 * checkout, one for its transaction, one for each phase of that.
 *
 * Ids are made from the transaction's id, so services need not tell each other of a trace, and all
 * of them choose the same transactions to trace. Promise: tracing never delays or fails a checkout;
 * spans that a collector does not take in time are dropped and counted.
 */
import { createHash } from 'node:crypto'
import type { Clock, Timer } from './clock.ts'
import type { Config } from './config.ts'
import type { Log } from './log.ts'
import { type Metric, single } from './metric.ts'

export interface Span {
  readonly transaction: string
  readonly name: string
  /** What tells it from the other spans of its transaction. */
  readonly part: string
  /** The part that it is a part of; absent for the whole. */
  readonly of?: string
  /** Of the process's clock, in ms. */
  readonly from: number
  readonly to: number
  readonly attributes: Readonly<Record<string, string>>
}

export interface SpansOptions {
  readonly config: Pick<Config, 'traceEndpoint' | 'traceOneIn'>
  /** Whose spans they are: a service, or the shop that is one process. */
  readonly service: string
  readonly clock: Clock
  readonly log: Log
}

/** Spans that wait to be sent; more are dropped. */
const mostWaiting = 8_192
/** Spans of one request. */
const mostAtOnce = 1_024
const sendEveryMs = 1_000
const answerWithinMs = 5_000
/** OTLP's number of an internal span. */
const internalKind = 1
const traceIdLetters = 32
const spanIdLetters = 16

/** Undefined where no collector is set. */
export const openSpans = (options: SpansOptions): Spans | undefined =>
  options.config.traceEndpoint === '' ? undefined : new Spans(options)

export class Spans {
  readonly metrics: readonly Metric[]
  readonly #options: SpansOptions
  readonly #timer: Timer
  /** Wall time of the clock's zero. */
  readonly #wallAtZero: number
  #waiting: Span[] = []
  #sending: Promise<void> | undefined
  #sent = 0
  #dropped = 0

  constructor(options: SpansOptions) {
    const { clock } = options
    this.#options = options
    this.#wallAtZero = clock.wallTime() - clock.now()
    this.#timer = clock.every(sendEveryMs, () => this.#send())
    this.metrics = [
      single('counter', 'till_spans_sent_total', 'Spans that a collector took', () => this.#sent),
      single(
        'counter',
        'till_spans_dropped_total',
        'Spans that no collector took in time',
        () => this.#dropped,
      ),
    ]
  }

  add(span: Span): void {
    if (!isChosen(span.transaction, this.#options.config.traceOneIn)) return
    if (this.#waiting.length >= mostWaiting) this.#dropped++
    else this.#waiting.push(span)
  }

  /** Sends what waits; what the collector does not take then is lost. */
  async close(): Promise<void> {
    this.#timer.cancel()
    while (this.#sending !== undefined || this.#waiting.length > 0) {
      this.#send()
      await this.#sending
    }
  }

  #send(): void {
    if (this.#sending !== undefined || this.#waiting.length === 0) return
    const batch = this.#waiting.splice(0, mostAtOnce)
    this.#sending = this.#post(batch)
      .then(
        () => {
          this.#sent += batch.length
        },
        (error: unknown) => {
          this.#dropped += batch.length
          this.#options.log.debug('Spans were not taken', { error })
        },
      )
      .finally(() => {
        this.#sending = undefined
        if (this.#waiting.length >= mostAtOnce) this.#send()
      })
  }

  async #post(batch: readonly Span[]): Promise<void> {
    const { config, service } = this.#options
    const response = await fetch(`${config.traceEndpoint.replace(/\/$/, '')}/v1/traces`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(this.#document(service, batch)),
      signal: AbortSignal.timeout(answerWithinMs),
    })
    await response.arrayBuffer()
    if (!response.ok) throw new Error(`The collector answered ${response.status}.`)
  }

  #document(service: string, batch: readonly Span[]): object {
    const resource = { attributes: attributesOf({ 'service.name': `till-${service}` }) }
    const spans = batch.map((span) => this.#written(span))
    return { resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'till' }, spans }] }] }
  }

  #written({ transaction, name, part, of, from, to, attributes }: Span): object {
    return {
      traceId: hashOf(transaction).slice(0, traceIdLetters),
      spanId: spanId(transaction, part),
      ...(of === undefined ? {} : { parentSpanId: spanId(transaction, of) }),
      name,
      kind: internalKind,
      startTimeUnixNano: this.#nanoseconds(from),
      endTimeUnixNano: this.#nanoseconds(to),
      attributes: attributesOf({ 'till.transaction': transaction, ...attributes }),
    }
  }

  /** As text: more digits than a number has. */
  #nanoseconds(ms: number): string {
    return String(BigInt(Math.round((this.#wallAtZero + ms) * 1_000)) * 1_000n)
  }
}

const hashOf = (text: string) => createHash('sha256').update(text).digest('hex')
const spanId = (transaction: string, part: string) =>
  hashOf(`${transaction} ${part}`).slice(0, spanIdLetters)

/** The same answer in every service. */
function isChosen(transaction: string, oneIn: number): boolean {
  return oneIn === 1 || Number.parseInt(hashOf(transaction).slice(0, 8), 16) % oneIn === 0
}

const attributesOf = (attributes: Readonly<Record<string, string>>) =>
  Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }))
