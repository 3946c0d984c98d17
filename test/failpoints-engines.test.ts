/**
 * A shop of processes on Redis and Kafka whose services die exactly at each named point, one after
 * the other, in each variant. It takes long; FAILPOINT_VARIANT=saga/order runs one variant.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe } from 'node:test'
import { enginesAreThere } from './engine-shop.ts'
import { engineMortal } from './failpoints/engine-mortal.ts'
import { failpointSuite } from './failpoints.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere('NO FAILPOINT WAS HIT ON REDIS AND KAFKA', process.env)

const only = process.env.FAILPOINT_VARIANT

describe('failpoints on Redis and Kafka', { skip: !areThere, concurrency: 1 }, () => {
  const notes = mkdtempSync(join(tmpdir(), 'till-failpoints-'))
  after(() => rmSync(notes, { recursive: true }))
  for (const [index, variant] of variants.entries()) {
    if (only !== undefined && only !== variant.name) continue
    const own = mkdtempSync(join(notes, 'variant-'))
    const options = { seed: 200 + index, notes: own, diesWhole: false }
    failpointSuite(variant, () => engineMortal(variant), options)
  }
})
