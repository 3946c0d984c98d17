/** The main job at a small size, so that the script itself cannot rot; see endurance.ts. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endure, mainJob } from './endurance-run.ts'

const few = 1_000
const small = { ...mainJob, items: few, users: few, orders: few, checkouts: few, kills: 1 }

for (const variant of ['2pc/order', 'saga/orchestrator']) {
  test(`${variant}: killed once among ${few} checkouts, nothing is lost or left`, async () => {
    const result = await endure(variant, small, { show: () => {}, end: () => {} })
    assert.deepEqual(result.differences, [])
    assert.equal(result.restartMs.length, 1)
    assert.ok(result.paid >= few / 5, `only ${result.paid} of ${few} were paid`)
    assert.ok(result.refused > 0 && result.repeated > 0)
  })
}
