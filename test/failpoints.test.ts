/** The embedded shop, killed exactly at each named point, in each variant. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { points } from './failpoints/points.ts'
import { failpointSuite, type MortalShop } from './failpoints.ts'
import { embeddedShop } from './running-shop.ts'
import { type Variant, variants } from './variants.ts'

/** At least so many in each variant. */
const fewest = 12

test(`each variant has at least ${fewest} points, each with a name of its own`, () => {
  assert.equal(new Set(points.map(({ name }) => name)).size, points.length)
  for (const variant of variants) {
    const own = points.filter((point) => point.isIn(variant))
    assert.ok(own.length >= fewest, `${variant.name}: ${own.length}`)
  }
})

describe('failpoints', { concurrency: 2 }, () => {
  const notes = mkdtempSync(join(tmpdir(), 'till-failpoints-'))
  after(() => rmSync(notes, { recursive: true }))
  for (const [index, variant] of variants.entries()) {
    const own = mkdtempSync(join(notes, 'variant-'))
    failpointSuite(variant, () => mortal(variant), {
      seed: 100 + index,
      notes: own,
      diesWhole: true,
    })
  }
})

/** It starts running; whoever is to die is started in its place. */
async function mortal(variant: Variant): Promise<MortalShop> {
  const shop = await embeddedShop(variant, { partitions: '3' })
  return {
    variant,
    get shop() {
      return shop.shop
    },
    get records() {
      return shop.records
    },
    async startToDie(failpoint) {
      await shop.kill()
      return shop.startToDie(failpoint)
    },
    async revive() {
      await shop.kill()
      await shop.start()
    },
    close: () => shop.close(),
  }
}
