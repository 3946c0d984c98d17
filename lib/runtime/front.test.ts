import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import { ShopError } from './errors.ts'
import { type Front, openFront } from './front.ts'
import { createLog } from './log.ts'
import { json, problem, type Route, type ShopAnswer, type ShopRequest, text } from './route.ts'

const fixed = { summary: '', answer: {}, problems: [], visibility: 'public' } as const

interface Opened {
  readonly front: Front
  readonly lines: string[]
  readonly failures: Error[]
  ask(method: string, path: string, headers?: Record<string, string>): Promise<Received>
}

interface Received {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, unknown>
}

async function opened(
  handle: (request: ShopRequest) => Promise<ShopAnswer>,
  more: Partial<Route> = {},
  port = '0',
): Promise<Opened> {
  const lines: string[] = []
  const failures: Error[] = []
  const front = await openFront({
    routes: [
      {
        ...fixed,
        method: 'POST',
        path: '/add/{id}/{n}',
        parameters: { id: 'id', n: 'amount' },
        handle,
        ...more,
      },
      { ...fixed, method: 'GET', path: '/thing/{id}', parameters: { id: 'id' }, handle },
    ],
    config: readConfig({ port, host: '127.0.0.1', drainMs: '5000' }, {}),
    log: createLog('warn', { write: (line) => void lines.push(line) }),
    onFailure: (error) => failures.push(error),
  })
  const ask: Opened['ask'] = async (method, path, headers = {}) => {
    const agent = new Agent()
    const options = { host: '127.0.0.1', port: front.port, method, path, headers, agent }
    const [answer] = await once(request(options).end(), 'response')
    const parts: Buffer[] = await answer.toArray()
    return {
      status: answer.statusCode,
      headers: answer.headers,
      body: Buffer.concat(parts).toString(),
    }
  }
  return { front, lines, failures, ask }
}

const codeOf = ({ body }: Received): string => JSON.parse(body).code

test('a handler is asked in this thread, with what came through the other', async () => {
  const asked: ShopRequest[] = []
  const { front, ask } = await opened(async (given) => {
    asked.push(given)
    return json({ id: given.parameters.id('id'), n: given.parameters.number('n') })
  })
  const answer = await ask('POST', '/add/%61b/12', { 'Idempotency-Key': 'a key' })
  assert.deepEqual(JSON.parse(answer.body), { id: 'ab', n: 12 })
  assert.equal(asked[0]?.idempotencyKey, 'a key')
  assert.equal(asked[0]?.fingerprint, 'POST /add/ab/12')
  const wrong = await ask('POST', '/add/ab/012')
  assert.deepEqual([wrong.status, codeOf(wrong)], [400, 'invalid_request'])
  assert.equal((await ask('GET', '/add/ab/1')).headers.allow, 'POST')
  assert.equal(asked.length, 1)
  await front.close()
})

test('each of many at once has its own answer', async () => {
  const { front, ask } = await opened(async ({ parameters }) => {
    const id = parameters.id('id')
    await systemClock.sleep(Number(id) % 7)
    if (id.endsWith('9')) throw new ShopError('not_known_yet', `not ${id}`)
    return id.endsWith('8') ? problem('unknown_item', `no ${id}`) : text(id)
  })
  const ids = [...Array(200).keys()]
  const answers = await Promise.all(ids.map((id) => ask('GET', `/thing/${id}`)))
  for (const id of ids) {
    const { status, body } = answers[id]!
    if (id % 10 === 9) assert.deepEqual([status, JSON.parse(body).detail], [503, `not ${id}`])
    else if (id % 10 === 8) assert.deepEqual([status, JSON.parse(body).detail], [404, `no ${id}`])
    else assert.deepEqual([status, body], [200, String(id)])
  }
  await front.close()
})

test('what a handler throws by mistake is logged once and not told', async () => {
  const { front, ask, lines } = await opened(() => {
    throw new Error('a secret')
  })
  const answer = await ask('GET', '/thing/a')
  assert.deepEqual([answer.status, codeOf(answer)], [500, 'internal'])
  assert(!answer.body.includes('secret'))
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /a secret.*A handler failed/)
  await front.close()
})

test('who is turned away is counted here and asks nothing of this thread', async () => {
  const gate = Promise.withResolvers<ShopAnswer>()
  let begun = 0
  let turnedAway = 0
  const crowd = {
    most: 1,
    answer: problem('overloaded', 'Too many.'),
    onTurnedAway: (count: number) => {
      turnedAway += count
    },
  }
  const { front, ask } = await opened(
    () => {
      begun++
      return gate.promise
    },
    { crowd },
  )
  const first = ask('POST', '/add/a/1')
  while (begun === 0) await systemClock.sleep(1)
  assert.equal(codeOf(await ask('POST', '/add/b/1')), 'overloaded')
  gate.resolve(text('done'))
  assert.equal((await first).body, 'done')
  while (turnedAway === 0) await systemClock.sleep(1)
  assert.deepEqual([begun, turnedAway], [1, 1])
  await front.close()
})

test('close lets what is under way end, and takes nothing new', async () => {
  const gate = Promise.withResolvers<ShopAnswer>()
  const began = Promise.withResolvers<void>()
  const { front, ask, failures } = await opened(async ({ parameters }) => {
    if (parameters.id('id') === 'b') return text('still open')
    began.resolve()
    return gate.promise
  })
  const first = ask('GET', '/thing/a')
  await began.promise
  const closed = front.close()
  await assert.rejects(async () => {
    for (;;) await ask('GET', '/thing/b')
  })
  gate.resolve(text('done'))
  assert.equal((await first).body, 'done')
  await closed
  assert.deepEqual(failures, [])
})

test('a thread that cannot begin is an error of its opener, and no failure later', async () => {
  const failures: Error[] = []
  const handle = async () => text('ok')
  const twice = { ...fixed, method: 'GET', path: '/same', parameters: {}, handle } as const
  const opening = openFront({
    routes: [twice, twice],
    config: readConfig({ port: '0' }, {}),
    log: createLog('fatal'),
    onFailure: (error) => failures.push(error),
  })
  await assert.rejects(opening, /already declared/)
  assert.deepEqual(failures, [])
})

test('a port that is taken is a sentence, and nothing is left running', async () => {
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as { port: number }
  await assert.rejects(
    opened(async () => text('ok'), {}, String(port)),
    (error) => error instanceof ShopError && error.code === 'port_taken',
  )
  other.close()
})
