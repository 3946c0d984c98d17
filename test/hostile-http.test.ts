/** The hostile requests against a small table: no shop behind it, only lib/runtime's server. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { createHttpServer } from '../lib/runtime/http.ts'
import { createLog } from '../lib/runtime/log.ts'
import { json, problem, type Route } from '../lib/runtime/route.ts'
import { hostileRequests } from './hostile-http.ts'
import { faultsOf } from './hostile-http.wire.ts'

const known = 'known-item'
let changes = 0

const base = { summary: 'made up', answer: {}, problems: ['unknown_item'] } as const
const routes: readonly Route[] = [
  {
    ...base,
    method: 'GET',
    path: '/stock/find/{item_id}',
    parameters: { item_id: 'id' },
    visibility: 'public',
    handle: async ({ parameters }) =>
      parameters.id('item_id') === known
        ? json({ stock: 1, price: 1 })
        : problem('unknown_item', 'There is no such item.'),
  },
  {
    ...base,
    method: 'POST',
    path: '/stock/add/{item_id}/{n}',
    parameters: { item_id: 'id', n: 'amount' },
    visibility: 'public',
    async handle({ parameters }) {
      if (parameters.id('item_id') !== known) {
        return problem('unknown_item', 'There is no such item.')
      }
      changes++
      return json({})
    },
  },
]

const host = '127.0.0.1'
const config = readConfig({ headersTimeoutMs: '200', requestTimeoutMs: '300' }, {})
const server = createHttpServer({ routes, config, log: createLog('fatal'), clock: systemClock })
let port = 0

before(async () => {
  port = (await server.listen(host, 0)).port
})
after(() => server.close())

const names = new Set<string>()

for (const hostile of hostileRequests()) {
  test(`${hostile.name}: ${hostile.right.join(' or ')}`, async () => {
    assert.ok(!names.has(hostile.name), 'a name of its own')
    names.add(hostile.name)
    assert.deepEqual(await faultsOf(hostile, { host, port, answerWithinMs: 3_000 }), [])
    const answer = await fetch(`http://${host}:${port}/stock/find/${known}`)
    assert.deepEqual(await answer.json(), { stock: 1, price: 1 })
  })
}

test('none of them changed anything', () => {
  assert.equal(changes, 0)
})
