import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUsage } from './usage.ts'

test('user and system time, also where the name of the process has spaces and parentheses', () => {
  const stat =
    '4711 (node (shop) 1) S 1 4711 4711 0 -1 4194560 30 0 0 0 123 45 0 0 20 0 11 0 99 1 2'
  const status = 'Name:\tnode\nVmPeak:\t  900 kB\nVmRSS:\t   2048 kB\nThreads:\t11\n'
  assert.deepEqual(parseUsage(stat, status), { cpuMs: 1_680, rssBytes: 2_097_152 })
})
