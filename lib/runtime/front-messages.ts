/**
 * What the thread that speaks HTTP and the one that does the work tell each other. Both gather what
 * a turn of their event loop brings and send it as one message. Next: front.ts, front-thread.ts.
 */
import type { Config } from './config.ts'
import type { ErrorCode } from './errors.ts'
import type { Fields, Log } from './log.ts'
import type { Crowd, Route, ShopAnswer } from './route.ts'

/** A route without what only the working thread has. */
export interface FrontRoute extends Omit<Route, 'handle' | 'crowd'> {
  readonly crowd?: Omit<Crowd, 'onTurnedAway'>
}

export interface FrontStart {
  readonly config: Config
  readonly routes: readonly FrontRoute[]
}

/** A request that has passed wire.ts and parameters.ts. */
export interface Call {
  readonly id: number
  /** Place in the table of routes. */
  readonly route: number
  readonly values: readonly (string | number)[]
  readonly idempotencyKey: string | undefined
}

export interface Answered {
  readonly id: number
  readonly answer: ShopAnswer
}

export type Level = Exclude<keyof Log, 'child'>

/** From the thread that speaks HTTP. */
export type FromFront =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'not listening'; readonly code: ErrorCode; readonly message: string }
  | { readonly kind: 'calls'; readonly calls: readonly Call[] }
  | { readonly kind: 'turned away'; readonly route: number; readonly count: number }
  | {
      readonly kind: 'line'
      readonly level: Level
      readonly message: string
      readonly fields: Fields
    }
  | { readonly kind: 'closed' }

/** To it. */
export type ToFront =
  | { readonly kind: 'answers'; readonly answers: readonly Answered[] }
  | { readonly kind: 'close' }
