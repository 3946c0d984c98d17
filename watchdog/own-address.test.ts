import assert from 'node:assert/strict'
import { test } from 'node:test'
import { atAddress } from './own-address.ts'

test('a probe without a host asks the container that it is written on', () => {
  const http = { kind: 'http', url: 'http://self:9000/live', status: 200 } as const
  assert.deepEqual(atAddress(http, '172.18.0.3'), { ...http, url: 'http://172.18.0.3:9000/live' })
  assert.deepEqual(atAddress(http, 'fd00::3'), { ...http, url: 'http://[fd00::3]:9000/live' })
  const redis = { kind: 'redis', port: 6379 } as const
  assert.deepEqual(atAddress(redis, '172.18.0.3'), { ...redis, host: '172.18.0.3' })
})

test('a probe with a host asks that one', () => {
  const http = { kind: 'http', url: 'http://order:9000/live', status: 200 } as const
  assert.deepEqual(atAddress(http, '172.18.0.3'), http)
  const kafka = { kind: 'kafka', port: 9092, host: 'kafka' } as const
  assert.deepEqual(atAddress(kafka, '172.18.0.3'), kafka)
  assert.deepEqual(atAddress({ kind: 'none' }, '172.18.0.3'), { kind: 'none' })
})
