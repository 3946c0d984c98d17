import assert from 'node:assert/strict'
import { test } from 'node:test'
import { seededRandom } from '../../lib/runtime/random.ts'
import { drawSchedule, type Part } from './schedule.ts'

const parts: readonly Part[] = [
  { name: 'order', kind: 'service' },
  { name: 'stock', kind: 'service' },
  { name: 'order-redis', kind: 'database' },
  { name: 'kafka', kind: 'broker' },
  { name: 'watchdog-1', kind: 'watchdog' },
  { name: 'watchdog-2', kind: 'watchdog' },
]

const draw = (seed: number, endMs = 600_000) =>
  drawSchedule({ parts, random: seededRandom(seed), everyMs: 5_000, endMs })

test('the same seed draws the same schedule', () => {
  assert.deepEqual(draw(7), draw(7))
  assert.notDeepEqual(draw(7), draw(8))
})

test('faults do not overlap, and all are over at the end', () => {
  const planned = draw(1)
  for (const [index, { atMs, lastsMs }] of planned.entries()) {
    assert.ok(atMs + lastsMs <= (planned[index + 1]?.atMs ?? 600_000))
  }
})

test('every part is killed and paused, and each kind of fault occurs', () => {
  const planned = draw(2)
  for (const { name } of parts) {
    for (const kind of ['kill', 'pause']) {
      const found = planned.some((fault) => fault.kind === kind && fault.targets.includes(name))
      assert.ok(found, `${kind} ${name}`)
    }
  }
  const kinds = new Set(planned.map(({ kind }) => kind))
  const all = ['down', 'kill', 'kill both', 'kill twice', 'pause', 'power cut']
  assert.deepEqual([...kinds].toSorted(), all)
  const pairs = planned.filter(({ kind }) => kind === 'kill both')
  assert.ok(pairs.every(({ targets }) => new Set(targets).size === 2))
  assert.ok(!pairs.some(({ targets }) => targets.every((name) => name.startsWith('watchdog'))))
})
