/** Spans as a collector gets them; and collectors that are away, or slow. */
import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import { systemClock } from './clock.ts'
import { createLog } from './log.ts'
import type { Metric } from './metric.ts'
import { openSpans, type Span, Spans } from './spans.ts'

const servers: Server[] = []
after(() => {
  for (const server of servers) server.close()
})

interface Written {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
}

/** A collector that keeps what it was sent and answers with `status`. */
async function collector(status: number): Promise<{ endpoint: string; taken: Written[] }> {
  const taken: Written[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const bytes of request) text += bytes
    if (request.url === '/v1/traces' && request.method === 'POST') {
      taken.push(...JSON.parse(text).resourceSpans[0].scopeSpans[0].spans)
    }
    response.writeHead(status).end()
  })
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, taken }
}

const open = (traceEndpoint: string, traceOneIn = 1) =>
  new Spans({
    config: { traceEndpoint, traceOneIn },
    ...{ service: 'order', clock: systemClock, log: createLog('silent') },
  })

const span = (transaction: string, part: string, of?: string): Span => ({
  ...{ transaction, name: part, part, from: 10, to: 12.5, attributes: {} },
  ...(of === undefined ? {} : { of }),
})

const counted = (metrics: readonly Metric[], name: string) => {
  const metric = metrics.find((each) => each.name === name)
  return metric?.kind === 'counter' ? metric.read()[0]?.value : undefined
}

test('parts of one transaction are one trace, whoever sends them', async () => {
  const { endpoint, taken } = await collector(200)
  const [order, orchestrator] = [open(endpoint), open(`${endpoint}/`)]
  order.add(span('orchestrator.0.1.1', 'checkout'))
  orchestrator.add(span('orchestrator.0.1.1', 'transaction', 'checkout'))
  orchestrator.add(span('orchestrator.0.1.2', 'transaction', 'checkout'))
  await order.close()
  await orchestrator.close()
  const [checkout, transaction, other] = taken
  assert.match(checkout!.traceId, /^[0-9a-f]{32}$/)
  assert.match(checkout!.spanId, /^[0-9a-f]{16}$/)
  assert.equal(checkout!.parentSpanId, undefined)
  assert.equal(transaction!.traceId, checkout!.traceId)
  assert.equal(transaction!.parentSpanId, checkout!.spanId)
  assert.notEqual(other!.traceId, checkout!.traceId)
  const took = BigInt(checkout!.endTimeUnixNano) - BigInt(checkout!.startTimeUnixNano)
  assert.equal(took, 2_500_000n)
  assert.equal(counted(orchestrator.metrics, 'till_spans_sent_total'), 2)
})

test('of so many transactions one is traced, with all its parts', async () => {
  const { endpoint, taken } = await collector(200)
  const spans = open(endpoint, 10)
  for (let sequence = 0; sequence < 500; sequence++) {
    const transaction = `order.0.1.${sequence}`
    spans.add(span(transaction, 'checkout'))
    spans.add(span(transaction, 'transaction', 'checkout'))
  }
  await spans.close()
  const parts = Map.groupBy(taken, ({ traceId }) => traceId)
  assert.ok(parts.size > 20 && parts.size < 100, `${parts.size} of 500`)
  assert.ok([...parts.values()].every(({ length }) => length === 2))
})

test('what no collector takes is dropped and counted', async () => {
  const { endpoint } = await collector(503)
  const spans = open(endpoint)
  for (let count = 0; count < 10_000; count++) spans.add(span(`order.0.1.${count}`, 'checkout'))
  await spans.close()
  assert.equal(counted(spans.metrics, 'till_spans_sent_total'), 0)
  assert.equal(counted(spans.metrics, 'till_spans_dropped_total'), 10_000)
})

test('without a collector there are no spans', () => {
  const config = { traceEndpoint: '', traceOneIn: 1 }
  const options = { service: 'order', clock: systemClock, log: createLog('silent') }
  assert.equal(openSpans({ config, ...options }), undefined)
})
