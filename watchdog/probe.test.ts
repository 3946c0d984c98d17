/** What each kind of probe makes of the right answer, a wrong one, an error, silence and nobody. */
import assert from 'node:assert/strict'
import { createServer as createHttp } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Health, probe } from './probe.ts'
import type { ProbeSpec } from './process-spec.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

function listen(server: Server): Promise<number> {
  servers.push(server)
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

/** A server that answers what it is sent with `answer`, in single bytes. */
const answering = (answer: string | Buffer) =>
  listen(
    createServer((socket: Socket) => {
      socket.on('error', () => {})
      socket.once('data', () => {
        for (const byte of Buffer.from(answer)) socket.write(Buffer.of(byte))
      })
    }).unref(),
  )

const silent = () => listen(createServer((socket) => void socket.resume()).unref())

async function nobody(): Promise<number> {
  const server = createServer()
  const port = await listen(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

const healthOf = async (spec: ProbeSpec): Promise<Health> =>
  (await probe(spec, { clock: systemClock, withinMs: 300 })).health

test('http: the right status is well, another or none is not', async () => {
  const server = createHttp((request, response) => {
    response.writeHead(request.url === '/live' ? 200 : 503).end('x')
  })
  const url = `http://127.0.0.1:${await listen(server)}`
  assert.equal(await healthOf({ kind: 'http', url: `${url}/live`, status: 200 }), 'well')
  assert.equal(await healthOf({ kind: 'http', url: `${url}/ready`, status: 200 }), 'unwell')
  const quiet = `http://127.0.0.1:${await silent()}/live`
  assert.equal(await healthOf({ kind: 'http', url: quiet, status: 200 }), 'unwell')
  const gone = `http://127.0.0.1:${await nobody()}/live`
  assert.equal(await healthOf({ kind: 'http', url: gone, status: 200 }), 'unwell')
})

test('redis: PONG, loading, a wrong password, a script that does not end, silence', async () => {
  const answers: readonly (readonly [string, Health])[] = [
    ['+PONG\r\n', 'well'],
    ['-LOADING Redis is loading the dataset in memory\r\n', 'starting'],
    ['-NOAUTH Authentication required.\r\n', 'well'],
    ['-BUSY Redis is busy running a script.\r\n', 'unwell'],
    ['+OK\r\n', 'unwell'],
  ]
  for (const [answer, health] of answers) {
    assert.equal(await healthOf({ kind: 'redis', port: await answering(answer) }), health, answer)
  }
  const withPassword = { kind: 'redis', username: 'till', password: 'secret' } as const
  const logsIn = await answering('+OK\r\n+PONG\r\n')
  assert.equal(await healthOf({ ...withPassword, port: logsIn }), 'well')
  const wrong = await answering('-WRONGPASS invalid username-password pair\r\n-NOAUTH\r\n')
  assert.equal(await healthOf({ ...withPassword, port: wrong }), 'refused')
  assert.equal(await healthOf({ kind: 'redis', port: await silent() }), 'unwell')
  assert.equal(await healthOf({ kind: 'redis', port: await nobody() }), 'unwell')
})

test('kafka: an answer to our question, to another, silence', async () => {
  const answer = (id: number) => {
    const bytes = Buffer.alloc(14)
    bytes.writeInt32BE(10, 0)
    bytes.writeInt32BE(id, 4)
    return bytes
  }
  const right = await answering(answer(0x7111))
  assert.equal(await healthOf({ kind: 'kafka', port: right }), 'well')
  assert.equal(await healthOf({ kind: 'kafka', port: await answering(answer(1)) }), 'unwell')
  assert.equal(await healthOf({ kind: 'kafka', port: await silent() }), 'unwell')
})

test('tcp: somebody listens or nobody does', async () => {
  assert.equal(await healthOf({ kind: 'tcp', port: await silent() }), 'well')
  assert.equal(await healthOf({ kind: 'tcp', port: await nobody() }), 'unwell')
  assert.equal(await healthOf({ kind: 'none' }), 'well')
})
