/**
 * Races where every message is sent again within milliseconds, long before it could have
 * been answered: repeating a message must change nothing, also not for other checkouts (I8).
 */
import { describe } from 'node:test'
import { hotRaces } from './concurrency-checkouts.ts'
import { embeddedShop } from './running-shop.ts'
import { assertSound, suite } from './suite.ts'
import { variants } from './variants.ts'

const impatient = { partitions: '2', resendFirstMs: '1', resendMaxMs: '20' }

describe('repeated messages', { concurrency: true }, () => {
  for (const variant of variants) {
    const start = () => embeddedShop(variant, impatient)
    suite(variant.name, { start, end: (running) => assertSound(running) }, hotRaces)
  }
})
