/** Fault tolerance of the shop as processes on Redis and Kafka, in each variant. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { engineShop, enginesAreThere } from './engine-shop.ts'
import { faultToleranceSuite } from './fault-tolerance.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere()

if (!areThere) {
  const title = 'NOTHING OF REDIS AND KAFKA WAS KILLED, NOT BEING HERE: RUN ./till engines install'
  test(title, { skip: process.env.CI !== 'true' }, () => assert.fail(title))
}

describe('fault tolerance', { skip: !areThere, concurrency: 1 }, () => {
  for (const variant of variants) faultToleranceSuite(variant.name, () => engineShop(variant))
})
