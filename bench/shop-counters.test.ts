import assert from 'node:assert/strict'
import { test } from 'node:test'
import { costsOf, valuesOf } from './shop-counters.ts'

test('values of one metric, with labels or without', () => {
  const page = [
    '# HELP till_storage_writes_total Durable writes',
    'till_storage_writes_total{service="order"} 12',
    'till_storage_writes_total{service="stock"} 3e2',
    'till_storage_writes_total_other 7',
    'till_bus_sent_bytes_total 5',
  ].join('\n')
  assert.deepEqual(valuesOf(page, 'till_storage_writes_total'), [12, 300])
  assert.deepEqual(valuesOf(page, 'till_bus_sent_bytes_total'), [5])
  assert.deepEqual(valuesOf(page, 'till_redis_commands_total'), [])
})

test('what rose is told for each checkout; what nobody counts is not told', () => {
  const used = (ms: number, bytes: number) => ({ cpuMs: ms, ownBytes: 1, writtenBytes: bytes })
  const before = { counters: { durableWrites: 10, steps: 5 }, usage: used(100, 1_000) }
  const after = { counters: { durableWrites: 30 }, usage: used(140, 5_000) }
  assert.deepEqual(costsOf(before, after, 10), {
    durableWrites: 2,
    cpuMicros: 4_000,
    writtenBytes: 400,
  })
  assert.deepEqual(costsOf({ ...before, usage: undefined }, after, 10), { durableWrites: 2 })
})
