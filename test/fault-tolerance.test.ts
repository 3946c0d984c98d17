/** Fault tolerance of the shop as processes on Redis and Kafka, in each variant. */
import { describe } from 'node:test'
import { engineShop, enginesAreThere } from './engine-shop.ts'
import { faultToleranceSuite } from './fault-tolerance.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere('NOTHING OF REDIS AND KAFKA WAS KILLED', process.env)

describe('fault tolerance', { skip: !areThere, concurrency: 1 }, () => {
  for (const variant of variants) faultToleranceSuite(variant.name, () => engineShop(variant))
})
