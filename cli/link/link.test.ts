/** What a link does to a connection when it is killed, is down, or is stopped. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/runtime/clock.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import { freeBlock } from '../engines/engine-file.ts'

const echo = createServer({ allowHalfOpen: true }, (socket) => {
  socket.on('error', () => {}).pipe(socket)
}).listen(0, '127.0.0.1')
await once(echo, 'listening')
const target = (echo.address() as AddressInfo).port
const port = await freeBlock(systemRandom)
const links: ChildProcess[] = []
after(() => {
  for (const each of links) each.kill('SIGKILL')
  echo.close()
})

async function startLink(): Promise<ChildProcess> {
  const main = fileURLToPath(new URL('main.ts', import.meta.url))
  const link = spawn(process.execPath, [main, `${port}`, `${target}`], { stdio: 'inherit' })
  links.push(link)
  const giveUpAt = systemClock.now() + 10_000
  for (;;) {
    const isThere = await open().then(
      (socket) => socket.destroy() !== undefined,
      () => false,
    )
    if (isThere) return link
    assert.ok(systemClock.now() < giveUpAt, 'the link does not listen')
    await systemClock.sleep(10)
  }
}

async function open(): Promise<Socket> {
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  await once(socket, 'connect')
  return socket.setEncoding('utf8')
}

test('it relays both ways, also what comes after one end has said all', async () => {
  const link = await startLink()
  const socket = await open()
  socket.end('all of it')
  let heard = ''
  for await (const text of socket) heard += text
  assert.equal(heard, 'all of it')
  link.kill('SIGKILL')
  await once(link, 'exit')
})

test('stopped, it is silent, and what was said arrives late; killed, it is cut', async () => {
  const link = await startLink()
  const socket = await open()
  socket.write('a')
  assert.deepEqual(await once(socket, 'data'), ['a'])
  link.kill('SIGSTOP')
  socket.write('b')
  const answer = once(socket, 'data')
  assert.equal(await Promise.race([answer, systemClock.sleep(300).then(() => 'silent')]), 'silent')
  link.kill('SIGCONT')
  assert.deepEqual(await answer, ['b'])
  socket.on('error', () => {})
  const isGone = once(link, 'exit')
  link.kill('SIGKILL')
  await Promise.race([once(socket, 'end'), once(socket, 'close')])
  // The connections of a process that is killed may end before it stops listening.
  await isGone
  await assert.rejects(open(), { code: 'ECONNREFUSED' })
})
