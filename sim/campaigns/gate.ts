/**
 * The campaign that every change must pass in one variant: fresh histories whose seeds belong to
 * the day, so that each day looks at others and a failure is the same again until the next. A file
 * for each variant, because files are what the test runner shares out among processes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../lib/runtime/clock.ts'
import { runCampaign } from '../campaign.ts'
import type { Variant } from '../draw.ts'

/** At least as many as are asked what they never reached (required.ts). */
export const gateHistories = 1_500

const dayMs = 86_400_000
/** Days are this many seeds apart: no two share one. */
const apart = 10_000
export const firstSeed = Math.floor(systemClock.wallTime() / dayMs) * apart

export function gate(variant: Variant): void {
  test(`${gateHistories} histories of ${variant} from seed ${firstSeed}`, async (context) => {
    const { histories, failures, neverReached, checkouts } = await runCampaign(variant, {
      kind: 'plain',
      firstSeed,
      goOn: (done) => done < gateHistories,
    })
    context.diagnostic(`${histories} histories, ${checkouts} checkouts`)
    assert.equal(histories, gateHistories)
    assert.deepEqual(failures, [], `replay: ./till sim --variant ${variant} --seed N`)
    assert.deepEqual(neverReached, [], 'a campaign that never reached it proves nothing about it')
  })
}
