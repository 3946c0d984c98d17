import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figuresOf, perSecond, plot, svg, usageFigures } from './report.ts'
import type { ChaosResult } from './run.ts'

/** Ten a second for ten seconds, none in the fourth and fifth. */
const answers = Array.from({ length: 100 }, (_, index) => {
  const atMs = index * 100
  return { atMs, status: atMs >= 3_000 && atMs < 5_000 ? 503 : 200 }
})

const result: ChaosResult = {
  variant: '2pc/order',
  settings: { engines: 'embedded', durationMs: 10_000, rate: 10, everyMs: 3_000, seed: 1 },
  answers,
  faults: [
    { kind: 'kill', targets: ['shop'], lastsMs: 0, atMs: 3_000, endedMs: 4_000 },
    { kind: 'pause', targets: ['shop'], lastsMs: 10, atMs: 8_000, endedMs: 8_010 },
  ],
  looks: [
    { atMs: 2_000, inDoubt: 0 },
    { atMs: 3_500, inDoubt: undefined },
    { atMs: 4_500, inDoubt: 7 },
    { atMs: 5_500, inDoubt: 0 },
    { atMs: 8_500, inDoubt: 2 },
  ],
  used: [0, 5_000, 9_000].map((atMs, index) => ({
    ...{ atMs, name: 'shop', pid: 1 + index, ownBytes: (100 + index) * 1e6, descriptors: 20 },
  })),
  restMs: 10,
  rewrites: {},
  differences: [],
}

test('each fault has its unavailable time, those in doubt and how long they took to drain', () => {
  const [first, second] = figuresOf(result)
  assert.equal(first?.unavailableMs, 2_000)
  assert.equal(first?.inDoubtPeak, 7)
  assert.equal(first?.drainMs, 1_500)
  assert.equal(second?.inDoubtPeak, 2)
  assert.equal(second?.drainMs, undefined)
})

test('answers are counted by the second', () => {
  const seconds = perSecond(result.answers, 10_000)
  assert.deepEqual(seconds[2], { paid: 10, unavailable: 0, other: 0 })
  assert.deepEqual(seconds[3], { paid: 0, unavailable: 10, other: 0 })
})

test('the plot has a mark under each fault', () => {
  const [top, marks] = plot(result).split('\n')
  assert.equal(top?.slice(0, 10), '███  █████')
  assert.equal(marks, '   ^    ^')
  assert.equal(svg(result).match(/<g>/g)?.length, 2)
})

test('what processes use is compared between the first and the last third', () => {
  const [shop] = usageFigures(result)
  assert.deepEqual(shop?.ownMb, [100, 102])
  assert.deepEqual(shop?.descriptors, [20, 20])
  assert.equal(shop?.ownMbPerMinute, undefined)
})

test('growth is that of the longest life, once it is warm', () => {
  const minute = 60_000
  const life = (pid: number, fromMinute: number, minutes: number, mb: (minute: number) => number) =>
    Array.from({ length: minutes * 12 }, (_, look) => ({
      ...{ atMs: fromMinute * minute + look * 5_000, name: 'shop', pid, descriptors: 20 },
      ownBytes: mb(look / 12) * 1e6,
    }))
  const used = [
    ...life(1, 0, 5, (at) => 50 + 40 * at),
    ...life(2, 5, 20, (at) => (at < 3 ? 50 + 40 * at : 170 + 2 * at)),
  ]
  const settings = { ...result.settings, durationMs: 25 * minute }
  const [shop] = usageFigures({ ...result, settings, used })
  assert.ok(Math.abs(shop!.ownMbPerMinute! - 2) < 0.05, `${shop!.ownMbPerMinute}`)
})
