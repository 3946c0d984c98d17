/** Fault tolerance of the shop as processes on Redis and Kafka, in each variant. */
import { describe } from 'node:test'
import { engineShop, enginesAreThere } from './engine-shop.ts'
import { faultToleranceSuite } from './fault-tolerance.ts'
import { tellMissing } from './suite.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere()

if (!areThere) {
  const title = 'NOTHING OF REDIS AND KAFKA WAS KILLED, NOT BEING HERE: RUN ./till engines install'
  tellMissing(title, process.env)
}

describe('fault tolerance', { skip: !areThere, concurrency: 1 }, () => {
  for (const variant of variants) faultToleranceSuite(variant.name, () => engineShop(variant))
})
