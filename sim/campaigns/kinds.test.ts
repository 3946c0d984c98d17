/**
 * Every promise holds also while another variant is deployed, on databases that are full, and with
 * owners that are overtaken for long.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CampaignResult, joined, runCampaign } from '../campaign.ts'
import { variants } from '../draw.ts'
import { kinds } from '../kinds.ts'
import { firstSeed } from './gate.ts'

/**
 * Of each variant; together enough to be asked what they never reached (required.ts). Those of
 * overtaken owners take far longer, and are too few for that.
 */
const historiesOf = { rollout: 300, crowds: 300, overtaken: 40 } as const

for (const kind of kinds.filter((each) => each !== 'plain')) {
  const histories = historiesOf[kind]
  test(`${histories} histories of kind ${kind} in each variant, from ${firstSeed}`, async () => {
    const parts: CampaignResult[] = []
    for (const variant of variants) {
      const goOn = (done: number) => done < histories
      const part = await runCampaign(variant, { kind, firstSeed, goOn })
      const replay = `replay: ./till sim --kind ${kind} --variant ${variant} --seed N`
      assert.deepEqual(part.failures, [], replay)
      parts.push(part)
    }
    assert.deepEqual(joined(kind, variants[0], parts).neverReached, [])
  })
}
