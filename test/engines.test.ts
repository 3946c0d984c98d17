/**
 * The suites of the embedded shop, unchanged, on Redis and Kafka: once started for each variant.
 * Where an engine is missing: ./till engines install.
 */
import { describe } from 'node:test'
import { concurrencySuite } from './concurrency.ts'
import { contractSuite } from './contract.ts'
import { engineShop, enginesAreThere } from './engine-shop.ts'
import { microservicesSuite } from './microservices.ts'
import { sharedBy } from './one-for-several.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere('NO SUITE RAN ON REDIS AND KAFKA', process.env)

describe('engines', { skip: !areThere, concurrency: 1 }, () => {
  for (const variant of variants) {
    describe(variant.name, { concurrency: 1 }, () => {
      // One shop for all three suites. The contract comes last: its batch_init replaces paid
      // orders, and the full check of the others cannot tell that from orders that were lost.
      const shared = sharedBy(3, () => engineShop(variant))
      microservicesSuite('walks', shared)
      concurrencySuite('concurrency', shared)
      contractSuite('contract', shared)
    })
  }
})
