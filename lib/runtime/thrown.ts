/**
 * What is told of an error that a handler threw: its code, in words that name nothing of the
 * inside. A ShopError's own sentence is for those who run the shop (it may name a host, a path, a
 * setting): they find it in the log, each code once in a while, however many requests meet it.
 */
import type { Clock } from './clock.ts'
import { type ErrorCode, ShopError, statusOf } from './errors.ts'
import type { Log } from './log.ts'
import { titleOf } from './problem.ts'
import { problem, type Route, type ShopAnswer } from './route.ts'

/** How often people are told of one code. */
const remindEveryMs = 10_000

const mayHaveHappened = 'repeat the request or look what it did.'

/** A title alone does not say what to do. */
const sentences: Readonly<Partial<Record<ErrorCode, string>>> = {
  overloaded: 'There is too much to do; nothing was done, try again in a moment.',
  unavailable: `A part of the shop cannot be reached; ${mayHaveHappened}`,
  storage_unavailable: `A database of the shop cannot be used now; ${mayHaveHappened}`,
  storage_full: `A database of the shop takes nothing more now; ${mayHaveHappened}`,
  storage_closed: `This part of the shop is stopping; ${mayHaveHappened}`,
  fenced: `Another part of the shop has taken over; ${mayHaveHappened}`,
}

export type Told = (error: unknown, route: Pick<Route, 'method' | 'path'>) => ShopAnswer

/** Remembers what it has told the log, so there is one for each server. */
export function tellerOf(log: Log, clock: Clock): Told {
  const toldAt = new Map<ErrorCode, number>()

  function isDue(code: ErrorCode): boolean {
    const now = clock.now()
    if (now - (toldAt.get(code) ?? Number.NEGATIVE_INFINITY) < remindEveryMs) return false
    toldAt.set(code, now)
    return true
  }

  return (error, { method, path }) => {
    if (!(error instanceof ShopError) || statusOf[error.code] === 500) {
      log.error('A handler failed', { route: `${method} ${path}`, error })
      return problem('internal', 'The shop has logged what happened.')
    }
    const { code, message } = error
    // Worded for clients wherever it is thrown, and nothing that anybody could mend.
    const isForClients = code === 'not_known_yet'
    const level = isForClients || !isDue(code) ? 'debug' : 'warn'
    log[level]('A request could not be served', { code, error })
    return problem(code, isForClients ? message : (sentences[code] ?? titleOf[code]))
  }
}
