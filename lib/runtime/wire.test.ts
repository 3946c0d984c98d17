import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import { createHttpServer } from './http.ts'
import { createLog } from './log.ts'
import { type Route, text } from './route.ts'

/** A server of one route, which counts what was begun; `until` is waited for in each. */
async function served(until: Promise<unknown> = Promise.resolve()) {
  const counts = { begun: 0 }
  const route: Route = {
    ...{ method: 'POST', path: '/thing', summary: '', parameters: {}, answer: 'text' },
    ...{ problems: [], visibility: 'public' },
    handle: async () => {
      counts.begun++
      await until
      return text('done')
    },
  }
  const limits = { headersTimeoutMs: '100', requestTimeoutMs: '200', drainMs: '100' }
  const log = createLog('silent')
  const config = readConfig(limits, {})
  const server = createHttpServer({ routes: [route], log, clock: systemClock, config })
  const { port } = await server.listen('127.0.0.1', 0)
  return { port, counts, close: () => server.close() }
}

const thing = (...headers: string[]) =>
  `POST /thing HTTP/1.1\r\n${['Host: x', ...headers].map((line) => `${line}\r\n`).join('')}\r\n`

const closed = (socket: Socket) =>
  new Promise((resolve) => socket.once('close', resolve).once('end', () => socket.end()))

test('what comes on a connection after its time is up is not done', async () => {
  const { port, counts, close } = await served()
  // The client sends while the refusal is on its way, and takes that for the answer.
  const refused = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [answer] = await once(refused.setEncoding('latin1'), 'data')
  assert.match(answer, /^HTTP\/1.1 408 /)
  refused.write(thing())
  refused.once('error', () => {})
  await closed(refused)
  assert.equal(counts.begun, 0)
  // The same request in time is done.
  const other = connect({ port, host: '127.0.0.1' })
  other.write(thing())
  assert.match((await once(other.setEncoding('latin1'), 'data'))[0], /^HTTP\/1.1 200 /)
  assert.equal(counts.begun, 1)
  other.destroy()
  await close()
})

test('what was sent together with a refused request, behind it, is not done', async () => {
  const { port, counts, close } = await served()
  const many = Array.from({ length: 101 }, (_, index) => `X-${index}: 1`)
  for (const [first, status] of [
    [`${thing('Content-Length: 2')}hi`, 413],
    [thing(...many), 431],
    ['POST /thing HTTP/1.1\r\n\r\n', 400],
  ] as const) {
    const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1')
    let received = ''
    socket.on('data', (more) => {
      received += more
    })
    socket.write(first + thing())
    await closed(socket)
    assert.deepEqual(received.match(/HTTP\/1.1 \d+/g), [`HTTP/1.1 ${status}`])
  }
  assert.equal(counts.begun, 0)
  await close()
})

test('who sends hundreds of requests without waiting for an answer is cut off', async () => {
  const never = Promise.withResolvers<void>()
  const { port, counts, close } = await served(never.promise)
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  socket.write(thing().repeat(100_000))
  await closed(socket)
  assert.ok(counts.begun > 100 && counts.begun < 200, `${counts.begun} were begun`)
  never.resolve()
  await close()
})

test('a connection may go on sending when its answers keep up', async () => {
  const { port, counts, close } = await served()
  const socket = connect({ port, host: '127.0.0.1' }).setEncoding('latin1')
  for (let round = 1; round <= 20; round++) {
    let answers = 0
    socket.write(thing().repeat(100))
    while (answers < 100) {
      const [more] = await once(socket, 'data')
      answers += more.match(/HTTP\/1.1 200/g)?.length ?? 0
    }
  }
  assert.equal(counts.begun, 2_000)
  socket.destroy()
  await close()
})
