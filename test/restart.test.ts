/** The embedded shop killed in the middle of load: each variant, and from each variant to each. */
import { describe } from 'node:test'
import { crossVariantSuite, drainSuite, restartSuite } from './restart.ts'
import { embeddedShop } from './running-shop.ts'
import { type Variant, variants } from './variants.ts'

const start = (variant: Variant) => embeddedShop(variant, { partitions: '3' })

describe('restart', { concurrency: 2 }, () => {
  for (const [index, variant] of variants.entries()) {
    restartSuite(variant, () => start(variant), { kills: 20, seed: 1_000 + index })
    drainSuite(variant, () => start(variant), { seed: 2_000 + index })
  }
  crossVariantSuite(start, { seed: 3_000 })
})
