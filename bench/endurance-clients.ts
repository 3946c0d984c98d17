/**
 * Clients who check out orders drawn at random, also again, while the shop is killed under them.
 * They never repeat a request: what became of one without an answer is for the check to find out.
 * A client that finds no shop waits and asks then; that request had not been made.
 */
import { setTimeout } from 'node:timers/promises'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Random } from '../lib/runtime/random.ts'
import type { CheckoutAnswer } from '../test/checker-answers.ts'
import { Connection, cutOff, neverSent } from './connection.ts'

export interface ClientsOptions {
  readonly origin: string
  readonly clients: number
  readonly checkouts: number
  readonly orders: number
  readonly random: Random
  readonly clock: Clock
  /** Is told after each answer how many there have been. */
  onAnswer(answers: number): void
}

export interface ClientsResult {
  readonly answers: readonly CheckoutAnswer[]
  /** Times that a paid order was read right after its answer. */
  readonly reads: number
  /** What was wrong at once: no answer in time, or a paid order that reads as not paid (I7). */
  readonly differences: readonly string[]
}

const lookForShopEveryMs = 20
const shopBackWithinMs = 60_000
/** The shop answers within its deadline, 5 s, and its wait for a silent participant, 2 s. */
const answerWithinMs = 20_000
/** One answer in this many is read again. */
const readOneOf = 20

export async function runClients(options: ClientsOptions): Promise<ClientsResult> {
  const { origin, clients, checkouts, orders, random, clock, onAnswer } = options
  const answers: CheckoutAnswer[] = []
  const differences: string[] = []
  let begun = 0
  let reads = 0

  const client = async () => {
    const connection = new Connection(origin)
    const ask = (method: 'GET' | 'POST', path: string) =>
      patientExchange(connection, method, path, clock)
    while (begun < checkouts) {
      begun++
      const orderId = String(random.integer(orders))
      const { status, startedAt, endedAt } = await ask('POST', `/orders/checkout/${orderId}`)
      answers.push({ orderId, status: status === cutOff ? undefined : status, startedAt, endedAt })
      onAnswer(answers.length)
      if (endedAt - startedAt >= answerWithinMs) {
        differences.push(`order ${orderId} had no answer within ${answerWithinMs} ms`)
      }
      if (status !== 200 || random.integer(readOneOf) > 0) continue
      const found = await ask('GET', `/orders/find/${orderId}`)
      if (found.status === cutOff) continue
      reads++
      if (found.status !== 200 || !JSON.parse(found.body).paid) {
        differences.push(`order ${orderId} was answered as paid and then read as ${found.body}`)
      }
    }
    connection.close()
  }
  await Promise.all(Array.from({ length: clients }, client))
  return { answers, reads, differences }
}

interface Exchanged {
  readonly status: number
  readonly body: string
  readonly startedAt: number
  readonly endedAt: number
}

/** Waits for a shop to be there; once the request is sent, it is sent. Throws if none comes. */
async function patientExchange(
  connection: Connection,
  method: 'GET' | 'POST',
  path: string,
  clock: Clock,
): Promise<Exchanged> {
  const giveUpAt = clock.now() + shopBackWithinMs
  for (;;) {
    const startedAt = clock.now()
    if (startedAt > giveUpAt) throw new Error(`No shop answers within ${shopBackWithinMs} ms.`)
    const late = clock.after(answerWithinMs, () => connection.close())
    const exchanged = await new Promise<Exchanged>((resolve) => {
      connection.send(method, path, (status, body) => {
        resolve({ status, body, startedAt, endedAt: clock.now() })
      })
    })
    late.cancel()
    if (exchanged.status !== neverSent) return exchanged
    await setTimeout(lookForShopEveryMs)
  }
}
