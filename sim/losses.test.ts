/** A database that loses acknowledged writes is never silent; one that keeps them never cries. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { drawHistory, type Variant, variants } from './draw.ts'
import { drawLosses, type LossyHistory, runLossy } from './losses.ts'

const histories = 30

async function all(variant: Variant, isWatched: boolean): Promise<LossyHistory[]> {
  const found: LossyHistory[] = []
  for (let seed = 1; seed <= histories; seed++) {
    found.push(await runLossy(drawLosses(variant, seed, isWatched)))
  }
  return found
}

for (const variant of variants) {
  test(`what a database loses is told: ${variant}`, async (context) => {
    const found = await all(variant, true)
    const lossy = found.filter(({ lost }) => lost > 0)
    const broken = lossy.filter(({ isBroken }) => isBroken)
    context.diagnostic(`${lossy.length} of ${histories} lost, ${broken.length} do not add up`)
    assert(lossy.length > histories / 4 && broken.length > 0, 'the losses are real')
    const silent = found.flatMap(({ lost, noticed }, index) =>
      lost > 0 && noticed === 0 ? [index + 1] : [],
    )
    assert.deepEqual(silent, [], 'seeds that lost writes in silence')
  })

  test(`no loss is told where every fault but that happens: ${variant}`, async () => {
    const cried: number[] = []
    for (let seed = 1; seed <= histories; seed++) {
      const draw = { ...drawHistory(variant, seed), losses: { isWatched: true, all: [] } }
      const { noticed } = await runLossy(draw)
      if (noticed > 0) cried.push(seed)
    }
    assert.deepEqual(cried, [])
  })
}

test('without the watch the same losses are silent: this check can fail', async () => {
  const lossy = (await all('2pc/orchestrator', false)).filter(({ lost }) => lost > 0)
  assert(lossy.some(({ isBroken }) => isBroken))
  assert(lossy.every(({ noticed }) => noticed === 0))
})
