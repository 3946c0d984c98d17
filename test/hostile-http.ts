/**
 * Requests that no honest client sends, as bytes on a socket, each with the answers that are right.
 * They are aimed at the public contract, so that they can be run against any server of it: the
 * table of a unit test or a whole shop. None of them changes anything there: each names an unknown
 * item. Next: hostile-http.wire.ts sends them and says what was wrong with the answer.
 */
import { setImmediate, setTimeout } from 'node:timers/promises'
import type { Wire } from './hostile-http.wire.ts'

export interface HostileRequest {
  readonly name: string
  /** Any of these is right, for every answer; `closed` is to close without one. */
  readonly right: readonly (number | 'closed')[]
  /** How many answers there must be, if the first is not `closed`. */
  readonly answers: number
  /** Header names that the answer must have. */
  readonly headers: readonly string[]
  send(wire: Wire): Promise<void>
}

const item = 'no-such-item'
const find = `/stock/find/${item}`
const add = `/stock/add/${item}/1`
const mebibyte = 1_048_576
/** Pause between the bytes of a slow client: many of them within any limit on headers. */
const slowByteMs = 20

type Right = HostileRequest['right']
const request = (line: string, headers: readonly string[] = []) =>
  [`${line} HTTP/1.1`, 'Host: localhost', ...headers, '', ''].join('\r\n')

function raw(name: string, bytes: string, right: Right, more: Partial<HostileRequest> = {}) {
  const send = async (wire: Wire) => wire.write(bytes)
  return { name, right, answers: 1, headers: [], send, ...more }
}

const badIds: readonly (readonly [string, string])[] = [
  ['encoded parent folder', '..%2f'],
  ['encoded dots', '%2e%2e'],
  ['backslashes', '..%5c..%5cwindows'],
  ['NUL', 'a%00b'],
  ['CR LF', 'a%0d%0aSet-Cookie:%20x=1'],
  ['encoded braces', '%7Bx%7D'],
  ['braces', '{x}'],
  ['glob', '*'],
  ['space', 'a%20b'],
  ['colon', 'a:b'],
  ['accented letter', '%C3%A9'],
  ['accented letter, not encoded', '\u00e9'],
  ['emoji', '%F0%9F%92%A3'],
  ['right-to-left override', '%E2%80%AE'],
  ['lone surrogate', '%ED%A0%80'],
  ['overlong encoding of a slash', '%C0%AF'],
  ['broken escape', '%zz'],
  ['cut escape', '%a'],
  ['encoded twice', '%252e%252e'],
  ['SQL', "1'%20OR%20'1'='1"],
  ['template', '$%7B7*7%7D'],
  ['65 characters', 'a'.repeat(65)],
  ['8 KB', 'a'.repeat(8_192)],
]

const badNumbers = [
  ...['0', '-1', '+1', '1e3', '0x10', '0b1', '1.0', '1.5', '.1', '01', '00', '1_000', '1,000'],
  ...['%201', '1%20', '1%0a', 'NaN', 'Infinity', 'null', 'true', '%D9%A1', '%EF%BC%91', '-0'],
  ...['9007199254740992', '9007199254740993', '99999999999999999999', '1'.repeat(400), '1n'],
]

const paths: readonly HostileRequest[] = [
  ...badIds.map(([name, id]) => raw(`id: ${name}`, request(`GET /stock/find/${id}`), [400])),
  ...badNumbers.map((n) =>
    raw(`number: ${n.slice(0, 40)}`, request(`POST /stock/add/${item}/${n}`), [400]),
  ),
  ...['__proto__', 'constructor', 'toString', 'hasOwnProperty'].map((id) =>
    raw(`id: ${id}`, request(`GET /stock/find/${id}`), [404]),
  ),
  raw('empty id', request('GET /stock/find/'), [400, 404]),
  raw('empty number', request(`POST /stock/add/${item}/`), [400, 404]),
  raw('parent folders', request('GET /stock/find/../../../etc/passwd'), [404]),
  raw('two slashes', request(`GET //stock/find/${item}`), [404]),
  raw('trailing slash', request(`GET ${find}/`), [404]),
  raw('other case', request(`GET /Stock/Find/${item}`), [404]),
  raw('broken escape at the root', request('GET /%zz'), [400]),
  raw('query that aims at prototypes', request(`GET ${find}?__proto__[x]=1&constructor=2`), [404]),
  raw('query of broken escapes', request(`GET ${find}?%zz=%`), [404]),
  raw('fragment', request(`GET ${find}#x`), [400, 404]),
  raw('absolute form', request(`GET http://localhost${find}`), [404]),
  raw('absolute form of another host', request(`GET http://other.invalid${find}`), [404]),
  raw('absolute form without a path', request('GET http://localhost'), [400, 404]),
  raw('version header', request(`GET ${find}`, ['Accept-Version: 99.x']), [404]),
  raw('internal route', request('GET /internal/status'), [404]),
]

const methods: readonly HostileRequest[] = [
  ...['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND', 'POST', 'QUERY'].map((method) =>
    raw(`method: ${method}`, request(`${method} ${find}`), [405], { headers: ['allow'] }),
  ),
  raw('method: GET of a POST route', request(`GET ${add}`), [405], { headers: ['allow'] }),
  raw('method: OPTIONS *', request('OPTIONS *'), [400, 404]),
  raw('method: CONNECT', 'CONNECT localhost:22 HTTP/1.1\r\nHost: localhost\r\n\r\n', [405]),
  raw('method: unknown', request(`BREW ${find}`), [400]),
  raw('method: lower case', request(`get ${find}`), [400]),
  raw(
    'upgrade to a web socket',
    request(`GET ${find}`, ['Connection: upgrade', 'Upgrade: ws']),
    [404],
  ),
  raw('HTTP/2 preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [400, 'closed']),
]

const withBody = (headers: readonly string[], body: string) =>
  request(`POST ${add}`, headers) + body

const bodies: readonly HostileRequest[] = [
  raw('body', withBody(['Content-Length: 2'], '{}'), [413]),
  raw('body on GET', `${request(`GET ${find}`, ['Content-Length: 2'])}{}`, [413]),
  raw('body on an unknown route', `${request('POST /x', ['Content-Length: 2'])}{}`, [404, 413]),
  raw('chunked body', withBody(['Transfer-Encoding: chunked'], '2\r\n{}\r\n0\r\n\r\n'), [413]),
  raw('broken chunk', withBody(['Transfer-Encoding: chunked'], 'zz\r\n{}\r\n'), [400]),
  raw('chunk that never comes', withBody(['Transfer-Encoding: chunked'], ''), [408]),
  raw('chunked, empty', withBody(['Transfer-Encoding: chunked'], '0\r\n\r\n'), [404]),
  raw('empty JSON', withBody(['Content-Type: application/json', 'Content-Length: 0'], ''), [404]),
  raw('empty, of no known type', withBody(['Content-Type: ;;;'], ''), [404]),
  raw('announced body', withBody(['Expect: 100-continue', 'Content-Length: 9'], ''), [413]),
  raw('unknown expectation', request(`GET ${find}`, ['Expect: 42']), [404, 417]),
  {
    ...raw('10 MB body', '', [413]),
    send: (wire) => flood(wire, withBody([`Content-Length: ${10 * mebibyte}`], ''), 10 * mebibyte),
  },
  {
    ...raw('10 MB chunk', '', [413]),
    send: (wire) =>
      flood(wire, withBody(['Transfer-Encoding: chunked'], 'a00000\r\n'), 10 * mebibyte),
  },
]

/** Sends until there is an answer; that it was all sent first is a fault of the server. */
async function flood(wire: Wire, head: string, length: number): Promise<void> {
  const part = 'x'.repeat(65_536)
  wire.write(head)
  for (let sent = 0; sent < length; sent += part.length) {
    if (wire.settled) return
    await wire.write(part)
    await setImmediate()
  }
  wire.fault('the whole body was taken before it was refused')
}

const header = (line: string) => request(`GET ${find}`, [line])

const malformed: readonly HostileRequest[] = [
  raw('no HTTP', 'hello\r\n\r\n', [400]),
  raw('no version', `GET ${find}\r\n\r\n`, [400]),
  raw('HTTP/9.9', `GET ${find} HTTP/9.9\r\nHost: x\r\n\r\n`, [400]),
  raw('HTTP/1.1 without Host', `GET ${find} HTTP/1.1\r\n\r\n`, [400]),
  raw('two Hosts', `GET ${find} HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n`, [400]),
  raw('the same Host twice', header('Host: localhost'), [400]),
  raw('two Hosts, HTTP/1.0', `GET ${find} HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n`, [400]),
  raw('empty Host', `GET ${find} HTTP/1.1\r\nHost:\r\n\r\n`, [400]),
  raw('Host with a path', `GET ${find} HTTP/1.1\r\nHost: x/y\r\n\r\n`, [400]),
  raw('Host of two words', `GET ${find} HTTP/1.1\r\nHost: x y\r\n\r\n`, [400]),
  raw('Host that is a port', `GET ${find} HTTP/1.1\r\nHost: :80\r\n\r\n`, [400]),
  raw('Host that is an address', `GET ${find} HTTP/1.1\r\nHost: [::1]:80\r\n\r\n`, [404]),
  raw('HTTP/1.0 without Host', `GET ${find} HTTP/1.0\r\n\r\n`, [404]),
  raw('TLS', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', [400]),
  raw('NULs', '\0'.repeat(64), [400]),
  raw('two lengths', withBody(['Content-Length: 0', 'Content-Length: 5'], 'hello'), [400]),
  raw(
    'length and chunks',
    withBody(['Content-Length: 5', 'Transfer-Encoding: chunked'], '0'),
    [400],
  ),
  raw('negative length', withBody(['Content-Length: -1'], ''), [400]),
  raw('length beyond 64 bits', withBody([`Content-Length: ${'9'.repeat(30)}`], ''), [400]),
  raw('hexadecimal length', withBody(['Content-Length: 0x2'], '{}'), [400]),
  raw('unknown encoding', withBody(['Transfer-Encoding: gzip'], ''), [400, 413]),
  raw('hidden encoding', withBody(['Transfer-Encoding: xchunked'], ''), [400, 413]),
  raw('NUL in a header', header('X: a\0b'), [400]),
  raw('space before a colon', header('X : a'), [400]),
  raw('header without a colon', header('nonsense'), [400]),
  raw('folded header', header('X: a\r\n b'), [400, 404]),
  raw('lone CR', header('X: a\rY: b'), [400]),
  raw('17 KB header', header(`X: ${'a'.repeat(17_408)}`), [431]),
  raw('17 KB path', request(`GET /${'a'.repeat(17_408)}`), [431]),
  raw(
    '3,000 headers',
    header(Array.from({ length: 3_000 }, (_, n) => `X${n}: a`).join('\r\n')),
    [431],
  ),
  raw('3,000 tiny headers', header(`${'a:\r\n'.repeat(3_000)}b:`), [431]),
  raw('empty idempotency key', request(`POST ${add}`, ['Idempotency-Key:']), [400]),
  raw(
    '129 byte idempotency key',
    request(`POST ${add}`, [`Idempotency-Key: ${'k'.repeat(129)}`]),
    [400],
  ),
  raw('idempotency key of Latin-1', request(`POST ${add}`, ['Idempotency-Key: \u00e9']), [400]),
  raw(
    'two idempotency keys',
    request(`POST ${add}`, ['Idempotency-Key: a', 'Idempotency-Key: b']),
    [400],
  ),
  raw('idempotency key on GET is not looked at', header('Idempotency-Key: \u00e9'), [404]),
]

const clients: readonly HostileRequest[] = [
  { ...raw('says nothing', '', [408, 'closed']), send: async () => {} },
  {
    ...raw('slow headers', '', [408]),
    async send(wire) {
      wire.write(`GET ${find} HTTP/1.1\r\nHost: localhost\r\nX: `)
      for (; !wire.settled; wire.write('x')) await setTimeout(slowByteMs)
    },
  },
  {
    ...raw('half-closes within its headers', '', [400, 'closed']),
    send: async (wire) => wire.end(`GET ${find} HTTP/1.1\r\nHo`),
  },
  {
    ...raw('half-closes after its request', '', [404, 'closed']),
    send: async (wire) => wire.end(request(`GET ${find}`)),
  },
  {
    ...raw('hangs up within its headers', '', ['closed']),
    send: async (wire) => wire.hangUp(`GET ${find} HTTP/1.1\r\nHo`),
  },
  {
    ...raw('hangs up before the answer', '', ['closed']),
    send: async (wire) => wire.hangUp(request(`POST ${add}`)),
  },
  {
    ...raw('hangs up within a body', '', ['closed']),
    send: async (wire) => wire.hangUp(withBody(['Content-Length: 1000'], '{}')),
  },
  raw('pipelines 100 requests', request(`GET ${find}`).repeat(100), [404], { answers: 100 }),
  raw('pipelines garbage behind a request', `${request(`POST ${add}`)}\0\0\0\r\n\r\n`, [
    404,
    'closed',
  ]),
  raw(
    'hides a request in a body',
    withBody(['Content-Length: 999'], request(`GET ${find}`)),
    [413],
  ),
  raw('sends empty lines first', `\r\n\r\n${request(`GET ${find}`)}`, [404]),
]

/** Every hostile request, in no order that matters. */
export function hostileRequests(): readonly HostileRequest[] {
  return [...paths, ...methods, ...bodies, ...malformed, ...clients]
}
