/** A short run of the embedded shop: what `./till chaos` does for minutes. Counts, no times. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runChaos } from './run.ts'

const settings = {
  engines: 'embedded',
  durationMs: 20_000,
  rate: 50,
  everyMs: 2_500,
  seed: 5,
} as const

test('broken again and again under load, nothing is missing, double or left behind', async () => {
  const result = await runChaos('2pc/orchestrator', settings, { show() {}, end() {} })
  assert.deepEqual(result.differences, [])
  assert.ok(result.faults.length > 0, 'no fault was inflicted')
  assert.ok(result.answers.some(({ status }) => status === 200))
  // Every answer is one that a client can understand, or none at all.
  const odd = result.answers.filter(({ status }) => status > 0 && ![200, 503].includes(status))
  assert.deepEqual(odd, [])
})
