/** What Prometheus is given: kinds, buckets, labels, and metrics of one name from several parts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram, labelled, type Metric, single } from './metric.ts'
import { described, metricsRoute } from './metrics.ts'
import type { ShopRequest } from './route.ts'

async function scrape(metrics: readonly Metric[]): Promise<{ body: string; type: string }> {
  const answer = await metricsRoute(() => metrics).handle({} as ShopRequest)
  assert.ok(answer.kind === 'text')
  return { body: answer.body, type: answer.type ?? '' }
}

const linesOf = async (metrics: readonly Metric[]) =>
  (await scrape(metrics)).body.split('\n').filter((line) => line.startsWith('till_'))

test('numbers are read when they are asked for', async () => {
  let count = 1
  const metrics = [single('counter', 'till_things_total', 'Things', () => count)]
  assert.deepEqual(await linesOf(metrics), ['till_things_total 1'])
  count = 5
  assert.deepEqual(await linesOf(metrics), ['till_things_total 5'])
})

test('a histogram is cumulated; a value at a bound lies below it', async () => {
  const histogram = new Histogram([1, 2, 4])
  for (const value of [0.5, 2, 3, 100]) histogram.observe(value)
  const read = () => [{ labels: { phase: 'paying' }, histogram }]
  assert.deepEqual(
    await linesOf([{ kind: 'histogram', name: 'till_x_seconds', help: 'X', read }]),
    [
      'till_x_seconds_bucket{phase="paying",le="1"} 1',
      'till_x_seconds_bucket{phase="paying",le="2"} 2',
      'till_x_seconds_bucket{phase="paying",le="4"} 3',
      'till_x_seconds_bucket{phase="paying",le="+Inf"} 4',
      'till_x_seconds_sum{phase="paying"} 105.5',
      'till_x_seconds_count{phase="paying"} 4',
    ],
  )
})

test('what several services count under one name is one metric', async () => {
  const steps = (value: number) => single('counter', 'till_steps_total', 'Steps', () => value)
  const metrics = [
    ...labelled([steps(1)], { service: 'order' }),
    ...labelled([steps(2)], { service: 'stock' }),
  ]
  const expected = ['till_steps_total{service="order"} 1', 'till_steps_total{service="stock"} 2']
  assert.deepEqual(await linesOf(metrics), expected)
  assert.deepEqual(described(metrics), [
    { name: 'till_steps_total', kind: 'counter', help: 'Steps' },
  ])
  const other = single('gauge', 'till_steps_total', 'Steps', () => 0)
  await assert.rejects(scrape([...metrics, other]), /till_steps_total/)
})

test('the process itself is told of too, in the type that Prometheus expects', async () => {
  const { body, type } = await scrape([])
  for (const name of ['process_cpu_seconds_total', 'nodejs_eventloop_lag_p99_seconds']) {
    assert.ok(body.includes(`\n${name} `), name)
  }
  assert.equal(type, 'text/plain; version=0.0.4; charset=utf-8')
})
