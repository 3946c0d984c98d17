import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costHead, costRowsOf, head, rowsOf, someOf, warnings } from './report.ts'
import type { Figures } from './run.ts'

const figures = (perSecond: number, more: Partial<Figures> = {}): Figures => ({
  perSecond,
  elapsedMs: 1_000,
  paid: perSecond,
  refused: 0,
  unavailable: 0,
  failed: 0,
  latencyMs: { p50: 1.234, p90: 2, p99: 12.34, p99_9: 20, max: 30 },
  costs: { cpuMicros: 200, durableWrites: 0.0123 },
  ownBytesBefore: 100e6,
  ownBytesAfter: 110e6,
  generatorCpuPercent: 20,
  generatorCpuMicrosPerRequest: 25,
  paidOrders: perSecond,
  differences: [],
  ...more,
})

const cell = (row: readonly string[] | undefined, name: (typeof head)[number]) =>
  row?.[head.indexOf(name)]

test('medians of the runs, and ratios of runs that followed each other', () => {
  const rows = rowsOf([
    { variant: 'a', mix: 'uniform', runs: [figures(1_000), figures(3_000), figures(2_000)] },
    { variant: 'b', mix: 'uniform', runs: [figures(500), figures(1_500), figures(4_000)] },
  ])
  assert.equal(cell(rows[0], 'paid/s'), '2,000')
  assert.equal(cell(rows[1], 'paid/s'), '1,500')
  assert.equal(cell(rows[0], 'ratio'), '1')
  assert.equal(cell(rows[1], 'ratio'), '0.50')
  assert.equal(cell(rows[0], 'p50 ms'), '1.23')
  assert.equal(cell(rows[0], 'p99'), '12.3')
  assert.equal(cell(rows[0], 'own MB'), '100 → 110')
})

test('five runs give the ratio an interval', () => {
  const runs = [1, 2, 3, 4, 5].map((each) => figures(each * 100))
  const rows = rowsOf([
    { variant: 'a', mix: 'uniform', runs },
    { variant: 'b', mix: 'uniform', runs },
  ])
  assert.equal(cell(rows[1], 'ratio'), '1.00 (1.00–1.00)')
})

test('what is not known is a dash', () => {
  const nothing = { costs: {}, ownBytesBefore: undefined }
  const rows = rowsOf([{ variant: 'a', mix: 'hot', runs: [figures(1, nothing)] }])
  assert.equal(cell(rows[0], 'CPU µs'), '–')
  const costs = (more: Partial<Figures>) =>
    costRowsOf([{ variant: 'a', mix: 'hot', runs: [figures(1, more)] }])[0]!
  assert.equal(costs(nothing)[costHead.indexOf('CPU µs')], '–')
  assert.equal(costs({})[costHead.indexOf('CPU µs')], '200')
  assert.equal(costs({})[costHead.indexOf('durable writes')], '0.012')
})

test('wrong books and a busy generator are said aloud', () => {
  const wrong = figures(9_000, { differences: ['item 1 has 2'], generatorCpuPercent: 95 })
  const series = [{ variant: 'a', mix: 'hot', runs: [wrong] }]
  assert.equal(cell(rowsOf(series)[0], 'books'), '1 WRONG')
  assert.equal(cell(rowsOf(series)[0], 'generator'), '95 % (!)')
  assert.deepEqual(warnings(series), [
    'a, hot: the load generator was busy; the shop may be faster than shown.',
    'a, hot: the books are wrong, so the figures are worth nothing.',
    '  item 1 has 2',
  ])
})

test('of many sentences the first are shown, and how many more there are', () => {
  const many = Array.from({ length: 25 }, (_, index) => `${index}`)
  assert.deepEqual(someOf(many).slice(-2), ['19', 'and 5 more'])
  assert.deepEqual(someOf(['one']), ['one'])
})
