/**
 * A route of the contract, as data. Services export tables of these; http.ts serves them,
 * openapi.ts describes them, the gateway chooses the public ones. Nobody else knows of HTTP.
 */
import type { ErrorCode } from './errors.ts'

/**
 * Kinds of path parameters. `id`: 1 to 64 of [A-Za-z0-9_-]. `amount`: integer, 1 to 2^53-1.
 * `count`: integer, 0 to 2^53-1. `size`: integer, 1 to MAX_BATCH_RECORDS (batch_init).
 */
export type ParameterKind = 'id' | 'amount' | 'count' | 'size'

/** Parsed path parameters; a kind other than `id` arrives as a number. */
export interface Parameters {
  id(name: string): string
  number(name: string): number
}

export interface ShopRequest {
  readonly parameters: Parameters
  /**
   * The Idempotency-Key header, validated (1 to 128 printable ASCII characters), if there is one.
   */
  readonly idempotencyKey: string | undefined
  /** Method and path: what an idempotency key may be used again for. */
  readonly fingerprint: string
  /** Query parameters of internal routes; the public contract has none. */
  readonly query: ReadonlyMap<string, string>
}

/** What a handler answers with: JSON, plain text, or a problem with its stable code. */
export type ShopAnswer =
  | { readonly kind: 'json'; readonly body: object }
  | { readonly kind: 'text'; readonly body: string; readonly type?: string }
  | { readonly kind: 'problem'; readonly code: ErrorCode; readonly detail: string }

/** Of a route that more may ask for at once than can be served. */
export interface Crowd {
  /** Requests that may be under way, in one process. */
  readonly most: number
  /** What more are answered, before anything is done for them. */
  readonly answer: ShopAnswer
  /** So many were. */
  onTurnedAway(count: number): void
}

export interface Route {
  readonly method: 'GET' | 'POST'
  /** With parameters in braces, as in OpenAPI: `/stock/find/{item_id}`. */
  readonly path: string
  readonly summary: string
  readonly parameters: Readonly<Record<string, ParameterKind>>
  /** JSON Schema of the 200 answer, or 'text'. */
  readonly answer: 'text' | object
  /** Codes that this route may answer with beyond those that any route may. */
  readonly problems: readonly ErrorCode[]
  /** Public routes are served by the gateway; internal ones only on the internal port. */
  readonly visibility: 'public' | 'internal'
  readonly crowd?: Crowd
  handle(request: ShopRequest): Promise<ShopAnswer>
}

export const json = (body: object): ShopAnswer => ({ kind: 'json', body })
/** `type`: its Content-Type, where it is not plain text in UTF-8. */
export const text = (body: string, type?: string): ShopAnswer =>
  type === undefined ? { kind: 'text', body } : { kind: 'text', body, type }
export const problem = (code: ErrorCode, detail: string): ShopAnswer => ({
  kind: 'problem',
  code,
  detail,
})
