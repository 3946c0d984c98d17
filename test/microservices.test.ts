/** The classic walks on the embedded shop in its four variants. */
import { describe } from 'node:test'
import { microservicesSuite } from './microservices.ts'
import { embeddedShop } from './running-shop.ts'
import { variants } from './variants.ts'

describe('microservices', { concurrency: true }, () => {
  for (const variant of variants) microservicesSuite(variant.name, () => embeddedShop(variant))
})
