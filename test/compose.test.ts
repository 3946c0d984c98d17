/**
 * docker-compose.yml for real: the suites of the embedded shop through its gateway, then each of
 * its containers killed under load, in a variant of each protocol and of each coordinator.
 */
import { describe } from 'node:test'
import { composeShop, missingDocker } from './compose-shop.ts'
import { concurrencySuite } from './concurrency.ts'
import { contractSuite } from './contract.ts'
import { faultToleranceSuite } from './fault-tolerance.ts'
import { microservicesSuite } from './microservices.ts'
import { sharedBy } from './one-for-several.ts'
import { tellMissing } from './suite.ts'
import { variants } from './variants.ts'

const missing = await missingDocker()

if (missing !== undefined) {
  tellMissing(missing, process.env)
}

/** Nightly all four. */
const tried = process.env.EVERY_VARIANT === 'true' ? variants : [variants[0]!, variants[3]!]

describe('compose', { skip: missing !== undefined, concurrency: 1 }, () => {
  for (const variant of tried) {
    describe(variant.name, { concurrency: 1 }, () => {
      const shared = sharedBy(3, () => composeShop(variant))
      microservicesSuite('walks', shared)
      concurrencySuite('concurrency', shared)
      // Last: its batch_init replaces paid orders, which the full check of the others would miss.
      contractSuite('contract', shared)
      faultToleranceSuite('every container is killed', () => composeShop(variant))
    })
  }
})
