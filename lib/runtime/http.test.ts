import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, type IncomingHttpHeaders, type RequestOptions, request } from 'node:http'
import { connect, createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import { type ErrorCode, ShopError, statusOf } from './errors.ts'
import { createHttpServer } from './http.ts'
import { createLog } from './log.ts'
import { json, problem, type Route, type ShopAnswer, type ShopRequest, text } from './route.ts'

const lines: string[] = []
const log = createLog('warn', { write: (line) => void lines.push(line) })
let handle: (request: ShopRequest) => Promise<ShopAnswer> = async () => text('ok')

function route(method: 'GET' | 'POST', path: string, more: Partial<Route> = {}): Route {
  const parameters: Route['parameters'] = path.includes('{id}') ? { id: 'id' } : {}
  const fixed = { summary: '', answer: {}, problems: [], visibility: 'public' } as const
  return { ...fixed, method, path, parameters, handle: (asked) => handle(asked), ...more }
}

const routes = [
  route('GET', '/thing/{id}'),
  route('POST', '/thing/{id}'),
  route('POST', '/add/{id}/{n}', { parameters: { id: 'id', n: 'amount' } }),
  route('POST', '/batch/{n}', { parameters: { n: 'size' } }),
  route('GET', '/inside', { visibility: 'internal' }),
]

const config = readConfig({ drainMs: '200', maxBatchRecords: '10', maxConnections: '20' }, {})
const create = (overrides = {}) =>
  createHttpServer({ routes, log, clock: systemClock, config: { ...config, ...overrides } })
const server = create()
let port = 0

before(async () => {
  port = (await server.listen('localhost', 0)).port
})
after(() => server.close())

interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

async function ask(method: string, path: string, more: RequestOptions = {}): Promise<Received> {
  const sent = request({ host: '127.0.0.1', port, method, path, agent: false, ...more }).end()
  const [answer] = await once(sent, 'response')
  const parts: Buffer[] = await answer.toArray()
  const body = Buffer.concat(parts).toString()
  return { status: answer.statusCode, headers: answer.headers, body }
}

const codeOf = ({ body }: Received) => JSON.parse(body).code as ErrorCode

test('a handler is given what was asked for, parsed', async () => {
  const asked: ShopRequest[] = []
  handle = async (given) => {
    asked.push(given)
    return json({ id: given.parameters.id('id'), n: given.parameters.number('n') })
  }
  const headers = { 'Idempotency-Key': 'a, b' }
  const answer = await ask('POST', '/add/%61_-Z/12?x=1', { headers })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['content-type'], 'application/json')
  assert.deepEqual(JSON.parse(answer.body), { id: 'a_-Z', n: 12 })
  assert.equal(asked[0]?.idempotencyKey, 'a, b')
  assert.equal(asked[0]?.fingerprint, 'POST /add/a_-Z/12')
  assert.equal(asked[0]?.query.size, 0, 'public routes have no query')
})

test('internal routes have a query', async () => {
  handle = async ({ query }) => json(Object.fromEntries(query))
  assert.equal((await ask('GET', '/inside?a=1&b=%20')).body, '{"a":"1","b":" "}')
})

test('text is text, and HEAD is GET without the body', async () => {
  handle = async () => text('ünïcode')
  const answer = await ask('GET', '/thing/a')
  assert.equal(answer.headers['content-type'], 'text/plain; charset=utf-8')
  assert.equal(answer.body, 'ünïcode')
  const head = await ask('HEAD', '/thing/a')
  assert.deepEqual([head.status, head.headers['content-length'], head.body], [200, '9', ''])
})

test('every code is answered as a problem document of its status', async () => {
  for (const code of Object.keys(statusOf) as ErrorCode[]) {
    handle = async () => problem(code, `about ${code}`)
    const answer = await ask('POST', '/thing/a')
    assert.equal(answer.status, statusOf[code])
    assert.equal(answer.headers['content-type'], 'application/problem+json')
    assert.equal(answer.headers['retry-after'], answer.status === 503 ? '1' : undefined)
    const { title, ...rest } = JSON.parse(answer.body)
    assert.match(title, /^[A-Z]/)
    const detail = `about ${code}`
    assert.deepEqual(rest, { type: `/problems/${code}`, status: answer.status, detail, code })
  }
})

test('a parameter that is not right is named, and the handler never begins', async () => {
  handle = async () => assert.fail('the handler began')
  for (const [path, name] of [
    ['/add/a%20b/1', 'id'],
    ['/add/a/1e3', 'n'],
    ['/batch/11', 'n'],
    [`/add/${'a'.repeat(9_000)}/1`, 'id'],
  ] as const) {
    const answer = await ask('POST', path)
    assert.equal(answer.status, 400, path)
    assert.equal(codeOf(answer), 'invalid_request')
    assert.match(JSON.parse(answer.body).detail, new RegExp(`'${name}'`))
  }
})

test('unknown routes are 404, known ones with another method 405', async () => {
  assert.equal(codeOf(await ask('GET', '/nothing')), 'unknown_route')
  const wrong = await ask('PUT', '/thing/a?x=1')
  assert.equal(codeOf(wrong), 'method_not_allowed')
  assert.equal(wrong.headers.allow, 'GET, HEAD, POST')
})

test('a ShopError answers with its code; any other throw tells nothing but is logged', async () => {
  handle = async () => {
    throw new ShopError('storage_full', 'The secret disk is full.')
  }
  lines.length = 0
  for (let times = 0; times < 3; times++) {
    const full = await ask('POST', '/thing/a')
    assert.deepEqual([full.status, codeOf(full)], [503, 'storage_full'])
    assert.doesNotMatch(full.body, /secret/)
  }
  assert.equal(lines.length, 1, 'told once in a while, however often it is met')
  assert.match(lines[0]!, /"warn".*The secret disk is full/)
  const circular: Record<string, unknown> = {}
  circular.itself = circular
  for (const broken of [
    () => {
      throw new Error('secret at once')
    },
    () => Promise.reject(new Error('secret')),
    async () => json(circular),
    async () => undefined as unknown as ShopAnswer,
    () => Promise.reject(new ShopError('data_unreadable', 'secret path')),
  ]) {
    lines.length = 0
    handle = broken
    const answer = await ask('POST', '/thing/a')
    assert.deepEqual([answer.status, codeOf(answer)], [500, 'internal'])
    assert.doesNotMatch(answer.body, /secret|circular|\.ts/)
    assert.equal(lines.length, 1)
    assert.match(JSON.parse(lines[0]!).error.stack, /http\.test\.ts|answer\.ts/)
  }
})

for (const [what, bytes] of [
  ['garbage', '\0\0\0\r\n\r\n'],
  ['CONNECT', 'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n'],
] as const) {
  test(`a client owed an answer is never sent another one in its place: ${what}`, async () => {
    const gate = Promise.withResolvers<ShopAnswer>()
    const began = Promise.withResolvers<void>()
    handle = () => {
      began.resolve()
      return gate.promise
    }
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.on('data', (data) => {
      received += data
    })
    socket.write('POST /thing/a HTTP/1.1\r\nHost: x\r\n\r\n')
    await began.promise
    socket.write(bytes)
    await once(socket, 'close')
    assert.equal(received, '', 'a 4xx here would say that the first request did not happen')
    gate.resolve(text('done'))
  })
}

test('more connections than the limit are closed at once', async () => {
  const small = create({ maxConnections: 2 })
  const { port: smallPort } = await small.listen('localhost', 0)
  const open = () => connect(smallPort, '127.0.0.1').on('error', () => {})
  const kept = [open(), open()]
  await Promise.all(kept.map((socket) => once(socket, 'connect')))
  await once(open(), 'close')
  kept[0]!.destroy()
  await once(kept[0]!, 'close')
  handle = async () => text('ok')
  kept[1]!.write('GET /thing/a HTTP/1.1\r\nHost: x\r\n\r\n')
  assert.match(String(await once(kept[1]!, 'data')), /^HTTP\/1.1 200 /)
  kept[1]!.destroy()
  await small.close()
})

test('localhost is both of its addresses, with one port', async () => {
  handle = async () => text('ok')
  assert.equal((await ask('GET', '/thing/a', { host: '127.0.0.1' })).status, 200)
  const sixth = await ask('GET', '/thing/a', { host: '::1' }).catch((error) => error.code)
  assert.ok(sixth === 'EADDRNOTAVAIL' || sixth.status === 200)
})

test('a port that is taken is a sentence that names the setting', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port: taken } = other.address() as { port: number }
  for (const host of ['127.0.0.1', 'localhost']) {
    await assert.rejects(create().listen(host, taken), (error: ShopError) => {
      assert.equal(error.code, 'port_taken')
      assert.match(error.message, new RegExp(`^PORT=${taken}: .* set PORT to`))
      return true
    })
  }
  other.close()
  await assert.rejects(create().listen('192.0.2.1', 0), /^ShopError: HOST=192\.0\.2\.1: /)
})

test('close lets requests under way end and tells their connections to close', async () => {
  const draining = create({ drainMs: 5_000 })
  const { port: its } = await draining.listen('localhost', 0)
  const gate = Promise.withResolvers<ShopAnswer>()
  const began = Promise.withResolvers<void>()
  handle = () => {
    began.resolve()
    return gate.promise
  }
  const agent = new Agent({ keepAlive: true })
  const answer = ask('POST', '/thing/a', { port: its, agent })
  await began.promise
  const closed = draining.close()
  await assert.rejects(ask('GET', '/thing/a', { port: its }), { code: 'ECONNREFUSED' })
  gate.resolve(text('done'))
  const { body, headers } = await answer
  assert.deepEqual([body, headers.connection], ['done', 'close'])
  await closed
  assert.equal(draining.close(), closed)
  agent.destroy()
})

test('close does not wait for a client that keeps its connection after an error', async () => {
  const draining = create({ drainMs: 600_000 })
  const { port: its } = await draining.listen('localhost', 0)
  const gate = Promise.withResolvers<ShopAnswer>()
  const began = Promise.withResolvers<void>()
  handle = () => {
    began.resolve()
    return gate.promise
  }
  const agent = new Agent({ keepAlive: true })
  const answer = ask('POST', '/thing/a', { port: its, agent })
  await began.promise
  const closed = draining.close()
  gate.reject(new ShopError('overloaded', 'Too much to do.'))
  assert.equal(codeOf(await answer), 'overloaded')
  await closed
  agent.destroy()
})

test('close is bounded when a handler never ends', async () => {
  const stuck = create({ drainMs: 50 })
  const { port: its } = await stuck.listen('localhost', 0)
  const began = Promise.withResolvers<void>()
  handle = () => {
    began.resolve()
    return new Promise(() => {})
  }
  const answer = ask('POST', '/thing/a', { port: its })
  const cut = assert.rejects(answer, { code: 'ECONNRESET' })
  await began.promise
  await stuck.close()
  await cut
})

test('more than may be under way are turned away before their handler', async () => {
  const gate = Promise.withResolvers<ShopAnswer>()
  let begun = 0
  let turnedAway = 0
  const crowd = {
    most: 2,
    answer: problem('overloaded', 'Too many.'),
    onTurnedAway: (count: number) => {
      turnedAway += count
    },
  }
  const popular = createHttpServer({
    routes: [route('POST', '/thing/{id}', { crowd })],
    ...{ log, clock: systemClock, config },
  })
  const { port: its } = await popular.listen('localhost', 0)
  handle = () => {
    begun++
    return gate.promise
  }
  const first = [ask('POST', '/thing/a', { port: its }), ask('POST', '/thing/b', { port: its })]
  while (begun < 2) await systemClock.sleep(1)
  const third = await ask('POST', '/thing/c', { port: its })
  assert.deepEqual([third.status, codeOf(third)], [503, 'overloaded'])
  assert.equal(third.headers['retry-after'], '1')
  assert.deepEqual([begun, turnedAway], [2, 1])
  gate.resolve(text('done'))
  assert.deepEqual(
    (await Promise.all(first)).map(({ status }) => status),
    [200, 200],
  )
  handle = async () => {
    throw new Error('broken')
  }
  for (let failed = 0; failed < 3; failed++) {
    assert.equal((await ask('POST', '/thing/d', { port: its })).status, 500)
  }
  handle = async () => text('there is room again')
  assert.equal((await ask('POST', '/thing/e', { port: its })).status, 200)
  await popular.close()
})
