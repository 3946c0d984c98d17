/** Many clients at once on the embedded shop in its four variants, with several partitions. */
import { describe } from 'node:test'
import { concurrencySuite } from './concurrency.ts'
import { embeddedShop } from './running-shop.ts'
import { variants } from './variants.ts'

describe('concurrency', { concurrency: true }, () => {
  for (const variant of variants) {
    concurrencySuite(variant.name, () => embeddedShop(variant, { partitions: '4' }))
  }
})
