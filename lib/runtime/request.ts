/**
 * What a handler sees of a request: parsed parameters, the idempotency key, and nothing raw.
 * Next: route.ts (the port), http.ts (who calls it).
 */
import type { IncomingMessage } from 'node:http'
import type { ParseParameters, PathParameters } from './parameters.ts'
import type { Route, ShopRequest } from './route.ts'

export const idempotencyKeyPattern = /^[\x20-\x7e]{1,128}$/
const noQuery: ReadonlyMap<string, string> = new Map()

export class ReadRequest implements ShopRequest {
  readonly parameters: PathParameters
  readonly idempotencyKey: string | undefined
  readonly query: ReadonlyMap<string, string>
  readonly #route: Route

  constructor(
    route: Route,
    parameters: PathParameters,
    idempotencyKey: string | undefined,
    query: ReadonlyMap<string, string> = noQuery,
  ) {
    this.#route = route
    this.parameters = parameters
    this.idempotencyKey = idempotencyKey
    this.query = query
  }

  /** Made of the parsed values: however a client percent-encoded its path, it is one request. */
  get fingerprint(): string {
    const values = this.parameters.inOrder.values()
    const path = this.#route.path.replace(/\{[^{}/]+\}/g, () => String(values.next().value))
    return `${this.#route.method} ${path}`
  }
}

/** The request, or a sentence that says what is wrong with it. */
export function readRequest(
  route: Route,
  parse: ParseParameters,
  request: IncomingMessage,
  raw: Readonly<Record<string, string>>,
  query: string,
): ShopRequest | string {
  const parameters = parse(raw)
  if (typeof parameters === 'string') return parameters
  const key = route.method === 'POST' ? request.headers['idempotency-key'] : undefined
  if (key !== undefined && !isIdempotencyKey(key, request)) {
    return 'Idempotency-Key is not right: give one, of 1 to 128 printable ASCII characters.'
  }
  const internal = route.visibility === 'internal' && query !== ''
  const parsedQuery = internal ? new Map(new URLSearchParams(query)) : noQuery
  return new ReadRequest(route, parameters, key as string | undefined, parsedQuery)
}

/** Node joins repeated headers with a comma; two keys are none. */
function isIdempotencyKey(key: string | string[], request: IncomingMessage): boolean {
  const given = request.headersDistinct['idempotency-key']
  return given?.length === 1 && idempotencyKeyPattern.test(String(key))
}
