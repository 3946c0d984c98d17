import assert from 'node:assert/strict'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { Connection, cutOff, neverSent } from './connection.ts'

const open: (Server | Connection)[] = []
after(() => {
  for (const each of open) each.close()
})

/** A server that answers what `serve` writes; resolves with its origin. */
async function served(serve: (socket: Socket, request: string) => void): Promise<string> {
  const server = createServer((socket) => {
    socket.setEncoding('latin1').on('data', (text) => serve(socket, String(text)))
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  open.push(server)
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function connection(origin: string): Connection {
  const made = new Connection(origin)
  open.push(made)
  return made
}

const send = (to: Connection, path: string, method: 'GET' | 'POST' = 'POST') =>
  new Promise<[number, string]>((resolve) => {
    to.send(method, path, (status, body) => resolve([status, body]))
  })

const answer = (status: string, body: string, more = '') =>
  `HTTP/1.1 ${status}\r\nDate: now\r\n${more}content-length: ${body.length}\r\n\r\n${body}`

test('one connection serves one request after the other', async () => {
  let sockets = new Set<Socket>()
  const origin = await served((socket, request) => {
    sockets = sockets.add(socket)
    socket.write(answer('200 OK', request.split(' ').slice(0, 2).join(' ')))
  })
  const to = connection(origin)
  assert.deepEqual(await send(to, '/a'), [200, 'POST /a'])
  assert.deepEqual(await send(to, '/b', 'GET'), [200, 'GET /b'])
  assert.equal(sockets.size, 1)
})

test('an answer may come in any pieces', async () => {
  const origin = await served(async (socket) => {
    for (const character of answer('404 Not Found', 'no such order')) {
      socket.write(character)
      await new Promise(setImmediate)
    }
  })
  assert.deepEqual(await send(connection(origin), '/a'), [404, 'no such order'])
})

test('no server: the request was never sent', async () => {
  const origin = await served(() => {})
  const server = open.at(-1) as Server
  server.close()
  await once(server, 'close')
  assert.deepEqual(await send(connection(origin), '/a'), [neverSent, ''])
})

test('a connection that ends too early tells so, and the next request reconnects', async () => {
  let requests = 0
  const origin = await served((socket) => {
    if (++requests === 1) socket.destroy()
    else socket.write(answer('200 OK', 'paid'))
  })
  const to = connection(origin)
  assert.deepEqual(await send(to, '/a'), [cutOff, ''])
  assert.deepEqual(await send(to, '/a'), [200, 'paid'])
})

test('a server that closes after its answer is connected to again', async () => {
  const origin = await served((socket) => {
    socket.end(answer('503 Service Unavailable', 'busy', 'Connection: close\r\n'))
  })
  const to = connection(origin)
  assert.deepEqual(await send(to, '/a'), [503, 'busy'])
  assert.deepEqual(await send(to, '/b'), [503, 'busy'])
})

test('it can be opened before the first request; without a server that is no failure', async () => {
  const sockets = new Set<Socket>()
  const origin = await served((socket) => {
    sockets.add(socket)
    socket.write(answer('200 OK', 'ok'))
  })
  const to = connection(origin)
  await to.opened()
  await to.opened()
  assert.deepEqual(await send(to, '/a'), [200, 'ok'])
  assert.equal(sockets.size, 1)
  const nowhere = connection('http://127.0.0.1:1')
  await nowhere.opened()
  assert.deepEqual(await send(nowhere, '/a'), [neverSent, ''])
})

test('close tells a request under way', async () => {
  const to = connection(await served(() => {}))
  const told = send(to, '/a')
  await new Promise((resolve) => setTimeout(resolve, 20))
  to.close()
  assert.deepEqual(await told, [cutOff, ''])
})
