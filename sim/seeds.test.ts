/** Kept seeds still pass, the same seed is the same history, and a few new ones break nothing. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { runCampaign } from './campaign.ts'
import { drawHistory, type Variant, variants } from './draw.ts'
import { runHistory } from './history.ts'

const kept = readFileSync(new URL('seeds.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => line.split(' '))

for (const [variant, seed, ...what] of kept) {
  test(`kept seed ${variant} ${seed}: ${what.join(' ')}`, async () => {
    const { violations } = await runHistory(drawHistory(variant as Variant, Number(seed)))
    assert.deepEqual(violations, [])
  })
}

for (const variant of variants) {
  test(`the same seed is the same history: ${variant}`, async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const once = await runHistory(drawHistory(variant, seed), true)
      const again = await runHistory(drawHistory(variant, seed), true)
      assert.deepEqual(again.timeline.lines, once.timeline.lines)
      assert.equal(again.timeline.digest(), once.timeline.digest())
      const untold = await runHistory(drawHistory(variant, seed))
      assert.equal(untold.events, once.events, 'telling changes nothing')
    }
  })

  test(`a small campaign: ${variant}`, async () => {
    const { failures } = await runCampaign(variant, {
      firstSeed: 1,
      goOn: (histories) => histories < 60,
    })
    assert.deepEqual(failures, [])
  })
}
