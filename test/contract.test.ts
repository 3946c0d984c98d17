/** The contract of the embedded shop in its four variants. */
import { describe } from 'node:test'
import { contractSuite } from './contract.ts'
import { embeddedShop } from './running-shop.ts'
import { variants } from './variants.ts'

describe('contract', { concurrency: true }, () => {
  for (const variant of variants) contractSuite(variant.name, () => embeddedShop(variant))
})
