/**
 * docs/OPERATING.md lists every metric; `node test/operating.test.ts --rewrite` writes the table
 * from the code.
 */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { busMetrics, newCounts } from '../lib/bus/kafka-metrics.ts'
import { openLocalBus } from '../lib/bus/local.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { createLog } from '../lib/runtime/log.ts'
import type { Metric } from '../lib/runtime/metric.ts'
import { described } from '../lib/runtime/metrics.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { Spans } from '../lib/runtime/spans.ts'
import { LossWatch } from '../lib/storage/loss-watch.ts'
import { openMemoryStorage } from '../lib/storage/memory.ts'
import { redisMetrics } from '../lib/storage/redis-metrics.ts'
import { createOrchestratorService } from '../orchestrator/service.ts'
import { createOrderService } from '../order/service.ts'
import { createPaymentService } from '../payment/service.ts'
import { createStockService } from '../stock/service.ts'
import { WatchCounters } from '../watchdog/watch-counters.ts'

const file = new URL('../docs/OPERATING.md', import.meta.url)
const [begin, end] = ['<!-- metrics -->\n', '<!-- end -->']

/** Every metric that some process has. */
async function allMetrics(): Promise<readonly Metric[]> {
  const config = readConfig({}, {})
  const bus = openLocalBus({ partitions: 1, onError: (_, error) => assert.fail(String(error)) })
  const log = createLog('silent')
  const storage = await openMemoryStorage({ partitions: 1 })
  const watch = new LossWatch({
    ...{ partitions: 1, instance: 'any', clock: systemClock, log },
    read: (partition, key) => storage.read(partition, key),
  })
  watch.close()
  const ports = { config, bus, storage, log, clock: systemClock, random: systemRandom }
  const services = [
    createOrderService(ports),
    createPaymentService(ports),
    createStockService(ports),
    createOrchestratorService(ports),
  ]
  await storage.close()
  return [
    ...services.flatMap(({ metrics }) => metrics),
    ...storage.metrics,
    watch.metric,
    ...redisMetrics({ commands: 0, bytes: 0 }),
    ...(bus.metrics ?? []),
    ...busMetrics(
      { messages: 0, records: 0, requests: 0, bytes: 0, lost: 0, dropped: 0 },
      newCounts(),
      new Map(),
    ),
    ...new WatchCounters().metrics,
    ...new Spans({ config, service: 'shop', clock: systemClock, log }).metrics,
  ]
}

test('every metric is in the table, and only those', async () => {
  const rows = described(await allMetrics()).map(
    ({ name, kind, help }) => `| \`${name}\` | ${kind} | ${help} |`,
  )
  const table = ['| metric | kind | what |', '|---|---|---|', ...rows, ''].join('\n')
  const text = readFileSync(file, 'utf8')
  const [start, stop] = [text.indexOf(begin) + begin.length, text.indexOf(end)]
  const wanted = text.slice(0, start) + table + text.slice(stop)
  if (process.argv.includes('--rewrite')) writeFileSync(file, wanted)
  else assert.equal(text, wanted, 'node test/operating.test.ts --rewrite')
})

test('metrics are named after what they count, with its unit', async () => {
  for (const { name, kind } of described(await allMetrics())) {
    assert.match(name, /^till_[a-z]+(_[a-z]+)*$/)
    assert.equal(name.endsWith('_total'), kind === 'counter', name)
  }
})
