import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import { planArrivals } from './arrivals.ts'
import { runLoad } from './load.ts'

let server: Server
let origin: string
/** Until when the server answers nothing. */
let silentUntil = 0
const asked: string[] = []

before(async () => {
  server = createServer((request, response) => {
    asked.push(request.url!)
    const order = Number(request.url!.split('/').at(-1))
    const status = order % 10 === 1 ? 400 : order % 10 === 2 ? 503 : 200
    const reply = () => response.writeHead(status, { 'content-length': 2 }).end('ok')
    setTimeout(reply, Math.max(0, silentUntil - systemClock.now()))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

function load(orders: number) {
  asked.length = 0
  let used = 0
  let measurings = 0
  return {
    origin,
    connections: 8,
    clock: systemClock,
    next: () => (used < orders ? used++ : undefined),
    pathOf: (index: number) => `/orders/checkout/${index}`,
    warmUpMs: 0,
    onMeasuring: () => {
      measurings++
    },
    onAnswer: () => {},
    measurings: () => measurings,
  }
}

test('a closed loop asks for each order once and counts answers by what they mean', async () => {
  const options = load(1_000)
  const { tally } = await runLoad(options)
  assert.deepEqual([tally.paid, tally.refused, tally.unavailable, tally.failed], [800, 100, 100, 0])
  assert.equal(new Set(asked).size, 1_000)
  assert.equal(options.measurings(), 1)
  assert.ok(tally.latency.summary().max > 0)
})

test('what is answered in the warm-up is not counted', async () => {
  const { tally, elapsedMs } = await runLoad({ ...load(100_000), warmUpMs: 150, durationMs: 150 })
  assert.ok(tally.answers > 0 && tally.answers < asked.length)
  assert.ok(elapsedMs >= 149 && elapsedMs < 1_000, `${elapsedMs}`)
})

test('an open loop sends as often as was planned', async () => {
  const arrivals = planArrivals('constant', 1_000, seededRandom(1))
  const { tally } = await runLoad({ ...load(100_000), durationMs: 300, arrivals })
  assert.equal(tally.answers, 300)
})

test('a silence of the server shows in every request that was planned in it', async () => {
  const arrivals = planArrivals('constant', 500, seededRandom(1))
  silentUntil = systemClock.now() + 300
  const { tally } = await runLoad({ ...load(100_000), durationMs: 600, connections: 2, arrivals })
  const { p50, max } = tally.latency.summary()
  assert.equal(tally.answers, 300)
  // Half of the requests were planned while nothing was answered, and wait 150 ms on average.
  assert.ok(max > 250, `max ${max}`)
  assert.ok(tally.lag.summary().max > 200)
  assert.ok(p50 < max)
})

test('customers who find no free connection are not sent, where none may wait', async () => {
  const arrivals = planArrivals('constant', 500, seededRandom(1))
  silentUntil = systemClock.now() + 300
  const { tally } = await runLoad({
    ...load(100_000),
    ...{ durationMs: 600, connections: 2, arrivals, mostLate: 0 },
  })
  assert.equal(tally.answers + tally.unsent, 300)
  assert.ok(tally.unsent >= 100, `${tally.unsent}`)
  assert.equal(asked.length, tally.answers)
})
