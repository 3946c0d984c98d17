/** Kept seeds still pass, and the same seed is the same history (new ones: campaigns/). */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { drawHistory, variants } from './draw.ts'
import { runHistory } from './history.ts'
import { keptSeeds } from './kept-seeds.ts'
import { drawOf } from './kinds.ts'

for (const { kind, variant, seed, what } of keptSeeds) {
  test(`kept seed ${kind} ${variant} ${seed}: ${what}`, async () => {
    const { violations } = await runHistory(drawOf[kind](variant, seed))
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
}

test('the same seed is the same history in another process', async () => {
  const till = fileURLToPath(new URL('../cli/till.ts', import.meta.url))
  const printed = execFileSync(process.execPath, [till, 'sim', '--seed', '3'], { encoding: 'utf8' })
  for (const variant of variants) {
    const { timeline } = await runHistory(drawHistory(variant, 3), true)
    assert(printed.includes(timeline.digest()), `${variant}: ${timeline.digest()} in ${printed}`)
  }
})
