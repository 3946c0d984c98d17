/**
 * Everything that can be wrong with a request or with an engine, as stable codes, and the one place
 * where codes become HTTP statuses. Expected refusals travel as values that carry a code; a
 * ShopError is thrown only for operating errors (an engine away, a limit reached, bad settings).
 */
import type { Reason } from '../../protocol/messages.ts'

export type ErrorCode =
  | Reason
  | 'invalid_request'
  | 'unknown_route'
  | 'method_not_allowed'
  | 'body_not_allowed'
  | 'headers_too_large'
  | 'request_timeout'
  | 'idempotency_key_reused'
  | 'order_paid'
  | 'not_known_yet'
  | 'unavailable'
  | 'storage_unavailable'
  | 'storage_full'
  | 'storage_closed'
  | 'fenced'
  | 'invalid_settings'
  | 'data_locked'
  | 'data_unreadable'
  | 'data_newer'
  | 'partitions_differ'
  | 'port_taken'
  | 'internal'

/** HTTP status of each code (RFC 9457 problem documents carry the code itself). */
export const statusOf: Readonly<Record<ErrorCode, number>> = {
  insufficient_stock: 400,
  insufficient_credit: 400,
  unknown_item: 404,
  unknown_user: 404,
  unknown_order: 404,
  already_paid: 409,
  order_changed: 409,
  in_checkout: 409,
  overflow: 400,
  busy: 409,
  timed_out: 409,
  ended: 409,
  invalid_request: 400,
  unknown_route: 404,
  method_not_allowed: 405,
  body_not_allowed: 413,
  headers_too_large: 431,
  request_timeout: 408,
  idempotency_key_reused: 422,
  order_paid: 409,
  overloaded: 503,
  not_known_yet: 503,
  unavailable: 503,
  storage_unavailable: 503,
  storage_full: 503,
  storage_closed: 503,
  fenced: 503,
  invalid_settings: 500,
  data_locked: 500,
  data_unreadable: 500,
  data_newer: 500,
  partitions_differ: 500,
  port_taken: 500,
  internal: 500,
}

/** An operating error: `message` is a sentence that says what to do. */
export class ShopError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'ShopError'
    this.code = code
  }
}

/** Nothing was begun, for too much was to be done. */
export const isOverloaded = (error: unknown): error is ShopError =>
  error instanceof ShopError && error.code === 'overloaded'

/**
 * What went wrong, as it is told where something may have been done before: `overloaded` would
 * promise that nothing was.
 */
export function afterTheStart(error: unknown): unknown {
  if (!isOverloaded(error)) return error
  const sentence = 'There was too much to do to see this through; repeat it or look what it did.'
  return new ShopError('not_known_yet', sentence, error)
}
