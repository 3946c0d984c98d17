/**
 * Asks a running shop over HTTP: its public routes where a user would, its internal routes for what
 * only people who look after it want to know. What goes wrong becomes a sentence.
 */

import type { InternalOrigins } from '../test/http-records.ts'
import { findEngineShop } from './engines/engine-shop.ts'
import { bracketed, reachedAt } from './engines/public-address.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { type RunFile, readRunFile } from './run-file.ts'

/** A shop that runs on this machine, in one process or in many. */
export interface FoundShop {
  readonly host: string
  readonly port: number
  readonly variant: string
  /** Where its internal routes are. */
  readonly internal: InternalOrigins
  /** Its processes. */
  readonly pids: readonly number[]
}

/** How long an internal question may take; it reads records, nothing waits for others. */
const answerWithinMs = 10_000

/** The shop on this data directory; throws CommandFailure `notRunning` when there is none. */
export function findShop(data: string): FoundShop {
  const run = readRunFile(data)
  if (run !== undefined) return foundOf(run)
  const many = findEngineShop(data)
  if (many !== undefined) return many
  throw new CommandFailure(
    `No shop runs on ${data}. Start one there with ./till up, or name another with --data.`,
    exitCodes.notRunning,
  )
}

export function foundOf(run: RunFile): FoundShop {
  const all = [internalUrl(run)]
  return {
    ...run,
    pids: [run.pid],
    internal: { order: all, payment: all, stock: all, orchestrator: all },
  }
}

/** Where a client on this machine finds the public routes. */
export function publicUrl({ host, port }: Pick<RunFile, 'host' | 'port'>): string {
  const isAny = host === '0.0.0.0' || host === '::'
  const name = isAny ? 'localhost' : host.includes(':') ? `[${host}]` : host
  return `http://${name}:${port}`
}

/** Where a process of this machine finds the internal routes. */
export const internalUrl = ({
  internalHost,
  internalPort,
}: Pick<RunFile, 'internalHost' | 'internalPort'>) =>
  `http://${bracketed(reachedAt(internalHost))}:${internalPort}`

/** The JSON of a 200 answer; throws CommandFailure with the problem's own words otherwise. */
export async function ask<T>(
  base: string,
  path: string,
  {
    method = 'GET',
    withinMs = answerWithinMs,
  }: { method?: 'GET' | 'POST'; withinMs?: number } = {},
): Promise<T> {
  const response = await fetch(base + path, {
    method,
    signal: AbortSignal.timeout(withinMs),
  }).catch((error: Error) => {
    const why = error.cause instanceof Error ? error.cause.message : error.message
    throw new CommandFailure(`${base} does not answer (${why}). Does the shop run? ./till status`)
  })
  const body = await response.json().catch(() => ({}))
  if (response.ok) return body as T
  const { detail = response.statusText } = body as { detail?: string }
  throw new CommandFailure(`${base}${path} answered ${response.status}: ${detail}`)
}
