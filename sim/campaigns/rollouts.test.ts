/** Another variant is deployed while customers check out: every promise holds through it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type CampaignResult, joined, runCampaign } from '../campaign.ts'
import { variants } from '../draw.ts'
import { firstSeed } from './gate.ts'

/** Together enough to be asked what they never reached (required.ts). */
const histories = 300

test(`${histories} rollouts from each variant to another, from seed ${firstSeed}`, async () => {
  const parts: CampaignResult[] = []
  for (const variant of variants) {
    const goOn = (done: number) => done < histories
    const part = await runCampaign(variant, { kind: 'rollout', firstSeed, goOn })
    assert.deepEqual(
      part.failures,
      [],
      `replay: ./till sim --rollout --variant ${variant} --seed N`,
    )
    parts.push(part)
  }
  assert.deepEqual(joined('rollout', variants[0], parts).neverReached, [])
})
