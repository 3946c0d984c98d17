import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { readConfig } from './config.ts'
import { createHttpServer } from './http.ts'
import { createLog } from './log.ts'
import { type Route, text } from './route.ts'

test('what comes on a connection after its refusal is not done', async () => {
  let begun = 0
  const route: Route = {
    ...{ method: 'POST', path: '/thing', summary: '', parameters: {}, answer: 'text' },
    ...{ problems: [], visibility: 'public' },
    handle: async () => {
      begun++
      return text('done')
    },
  }
  const config = readConfig({ headersTimeoutMs: '100', requestTimeoutMs: '200' }, {})
  const log = createLog('silent')
  const server = createHttpServer({ routes: [route], log, clock: systemClock, config })
  const { port } = await server.listen('127.0.0.1', 0)
  const request = 'POST /thing HTTP/1.1\r\nHost: x\r\n\r\n'
  // The client sends while the refusal is on its way, and takes that for the answer.
  const refused = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const [answer] = await once(refused.setEncoding('latin1'), 'data')
  assert.match(answer, /^HTTP\/1.1 408 /)
  refused.write(request)
  refused.once('error', () => {})
  await new Promise((resolve) => refused.once('close', resolve).once('end', () => refused.end()))
  assert.equal(begun, 0)
  // The same request in time is done.
  const other = connect({ port, host: '127.0.0.1' })
  other.write(request)
  assert.match((await once(other.setEncoding('latin1'), 'data'))[0], /^HTTP\/1.1 200 /)
  assert.equal(begun, 1)
  other.destroy()
  await server.close()
})
