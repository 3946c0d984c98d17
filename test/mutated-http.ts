/**
 * Requests of the public contract with something wrong in them, as bytes: drawn by fast-check from
 * valid requests, by changing a part of the path, the method, the headers, the body, or any byte.
 * Some are left as they are, so that the shop's state changes in between. Orders are never replaced
 * by batch_init: what paid a replaced one could not be told from what paid none.
 */
import fc from 'fast-check'
import type { HostileRequest } from './hostile-http.ts'

/** Ids that exist, of each kind; nothing that honest clients use. */
export interface KnownIds {
  readonly items: readonly string[]
  readonly users: readonly string[]
  readonly orders: readonly string[]
}

const anyOf = <T>(...values: T[]) => fc.constantFrom(...values)

const badSegments = [
  ...['', '..', '%2e%2e', '..%2f', '%00', '{x}', '%7Bx%7D', '__proto__', 'constructor', '*', '%zz'],
  ...['a%0d%0aX:%201', '%ED%A0%80', '%C0%AF', "1'--", 'a'.repeat(65), 'a'.repeat(4_096), 'a:b'],
  ...['-1', '0', '00', '1.5', '1e3', '0x10', 'NaN', 'Infinity', '%201', '%D9%A1', '1_0', '+1'],
  ...['9007199254740991', '9007199254740992', '1'.repeat(400), '9'.repeat(30), 'null', 'true'],
]

function routes({ items, users, orders }: KnownIds): fc.Arbitrary<readonly [string, string]> {
  const [item, user, order] = [anyOf(...items), anyOf(...users), anyOf(...orders)]
  const few = fc.integer({ min: 1, max: 9 }).map(String)
  const post = (...parts: (fc.Arbitrary<string> | string)[]) => route('POST', parts)
  const get = (...parts: (fc.Arbitrary<string> | string)[]) => route('GET', parts)
  return fc.oneof(
    get('stock', 'find', item),
    get('payment', 'find_user', user),
    get('orders', 'find', order),
    get('openapi.json'),
    post('stock', 'item', 'create', few),
    post('stock', 'add', item, few),
    post('stock', 'subtract', item, few),
    post('stock', 'batch_init', few, few, few),
    post('payment', 'create_user'),
    post('payment', 'add_funds', user, few),
    post('payment', 'pay', user, few),
    post('payment', 'batch_init', few, few),
    post('orders', 'create', user),
    post('orders', 'addItem', order, item, few),
    post('orders', 'checkout', order),
  )
}

function route(method: string, parts: readonly (fc.Arbitrary<string> | string)[]) {
  const segments = parts.map((part) => (typeof part === 'string' ? fc.constant(part) : part))
  return fc.tuple(...segments).map((each) => [method, `/${each.join('/')}`] as const)
}

/** No HEAD: its answer has a length and no body, which a reader of bytes cannot tell. */
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'BREW', 'get', '']

const headers: readonly string[] = [
  'Host: other.invalid',
  'Content-Length: 0',
  'Content-Length: 5',
  'Content-Length: -1',
  'Content-Length: 9999999999999999999',
  'Transfer-Encoding: chunked',
  'Transfer-Encoding: gzip, chunked',
  'Content-Type: application/json',
  'Content-Type: ;;',
  'Expect: 100-continue',
  'Connection: upgrade',
  'Connection: close',
  'Accept: text/html;q=zzz',
  'Accept-Encoding: gzip, br',
  'X-Forwarded-For: 127.0.0.1',
  'Cookie: a=b; __proto__=c',
  'Range: bytes=0-',
  'If-None-Match: *',
  `X: ${'x'.repeat(20_000)}`,
  'X: a\0b',
  ': empty',
  'no colon',
  ...['a', 'b', 'c', '', 'k'.repeat(128), 'k'.repeat(129), '"quoted"', '../..', '\u00e9'].map(
    (key) => `Idempotency-Key: ${key}`,
  ),
]

const bodies = [
  '',
  '{}',
  '{"amount":',
  'null',
  '\0\0\0',
  '5\r\nhello\r\n0\r\n\r\n',
  'x'.repeat(5_000),
]

const endings = [
  ...['?a=1', '?__proto__[x]=1', '?%zz', '#x', ';a=b', '//', '?'.repeat(200), '/', '/..'],
  ...badSegments.map((segment) => `/${segment}`),
]

interface Parts {
  method: string
  path: string
  headers: string[]
  body: string
}

type Change = (parts: Parts) => void

const changes: fc.Arbitrary<Change> = fc.oneof(
  fc.tuple(fc.nat(4), anyOf(...badSegments)).map(([index, segment]): Change => {
    return (parts) => {
      const segments = parts.path.split('/')
      segments[1 + (index % (segments.length - 1))] = segment
      parts.path = segments.join('/')
    }
  }),
  anyOf(...endings).map((end): Change => {
    return (parts) => {
      parts.path += end
    }
  }),
  anyOf(...methods).map((method): Change => {
    return (parts) => {
      parts.method = method
    }
  }),
  fc.array(anyOf(...headers), { minLength: 1, maxLength: 4 }).map((more): Change => {
    return (parts) => void parts.headers.push(...more)
  }),
  anyOf(...bodies).map((body): Change => {
    return (parts) => {
      parts.body = body
      parts.headers.push(`Content-Length: ${body.length}`)
    }
  }),
)

const bytesOf = ({ method, path, headers, body }: Parts) =>
  [`${method} ${path} HTTP/1.1`, 'Host: localhost', ...headers, '', body].join('\r\n')

/** Changes of the bytes themselves: one is another, some are missing, some come twice. */
const damage = fc.oneof(
  fc.tuple(fc.nat(400), fc.nat(255)).map(([at, code]) => (bytes: string) => {
    const index = at % bytes.length
    return bytes.slice(0, index) + String.fromCharCode(code) + bytes.slice(index + 1)
  }),
  fc.nat(400).map((at) => (bytes: string) => bytes.slice(0, at % bytes.length)),
  fc.tuple(fc.nat(400), fc.nat(40)).map(([at, length]) => (bytes: string) => {
    return bytes.slice(0, at % bytes.length) + bytes.slice((at % bytes.length) + length)
  }),
  fc.constant((bytes: string) => bytes + bytes),
)

/** Any of these is right: what matters is that it is an answer of the contract, and no crash. */
const right: HostileRequest['right'] = [
  ...[200, 400, 404, 405, 408, 409, 413, 414, 417, 422, 431, 503],
  'closed',
]

/** One in five is left whole; the bytes are its name. */
export function mutatedRequest(ids: KnownIds): fc.Arbitrary<HostileRequest> {
  const whole = routes(ids).map(([method, path]): Parts => {
    return { method, path, headers: [], body: '' }
  })
  const changed = fc
    .tuple(whole, fc.array(changes, { minLength: 1, maxLength: 3 }))
    .map(([parts, list]) => {
      const copy = { ...parts, headers: [...parts.headers] }
      for (const change of list) change(copy)
      return bytesOf(copy)
    })
  const damaged = fc.tuple(fc.oneof(changed, whole.map(bytesOf)), damage).map(([bytes, harm]) => {
    return harm(bytes)
  })
  return fc.oneof(whole.map(bytesOf), changed, changed, damaged, damaged).map((bytes) => ({
    name: bytes,
    right,
    answers: 1,
    headers: [],
    send: async (wire) => void wire.write(bytes),
  }))
}
