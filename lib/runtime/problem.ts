/**
 * Error answers as RFC 9457 problem documents: one shape, one place that words their titles.
 * A document says what is wrong with the request or the shop, and never how the shop is made.
 * Next: answer.ts sends them, openapi.ts describes them.
 */
import { type ErrorCode, statusOf } from './errors.ts'

export interface Problem {
  /** A stable relative URI: `/problems/insufficient_stock`. */
  readonly type: string
  readonly title: string
  readonly status: number
  /** What is wrong this time, for people. */
  readonly detail: string
  /** What is wrong, for programs. */
  readonly code: ErrorCode
}

export const problemType = 'application/problem+json'

/** The same words for every occurrence of a code, as RFC 9457 wants. */
export const titleOf: Readonly<Record<ErrorCode, string>> = {
  insufficient_stock: 'There are not enough units in stock',
  insufficient_credit: 'There is not enough credit',
  unknown_item: 'There is no such item',
  unknown_user: 'There is no such user',
  unknown_order: 'There is no such order',
  already_paid: 'The order is paid already',
  order_changed: 'The order changed meanwhile',
  in_checkout: 'The order is being checked out',
  overflow: 'The number would become too large',
  busy: 'Other checkouts hold what this one needs',
  timed_out: 'The checkout did not end in time and was undone',
  ended: 'The checkout has ended already',
  invalid_request: 'The request is not valid',
  unknown_route: 'There is no such route',
  method_not_allowed: 'The route does not know this method',
  body_not_allowed: 'No route takes a body',
  headers_too_large: 'The request line and headers are too large',
  request_timeout: 'The request did not arrive in time',
  idempotency_key_reused: 'The idempotency key belongs to another request',
  order_paid: 'The order is paid',
  overloaded: 'The shop has too much to do',
  not_known_yet: 'The outcome is not known yet',
  unavailable: 'A part of the shop is away',
  storage_unavailable: 'A database is away',
  storage_full: 'A database is full',
  storage_closed: 'The shop is stopping',
  fenced: 'Another instance has taken over',
  invalid_settings: 'The settings are wrong',
  data_locked: 'Another process uses the data',
  data_unreadable: 'The data cannot be read',
  data_newer: 'The data was written by a newer version',
  partitions_differ: 'The data has another number of partitions',
  port_taken: 'The port is taken',
  internal: 'Something in the shop is broken',
}

/** Seconds after which a request that met a 503 is worth repeating. */
export const retryAfterSeconds = 1

export function problemDocument(code: ErrorCode, detail: string): Problem {
  return { type: `/problems/${code}`, title: titleOf[code], status: statusOf[code], detail, code }
}
