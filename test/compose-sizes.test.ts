/**
 * docker-compose-medium.yml and docker-compose-large.yml for real, with the limits of a small
 * machine: the public consistency test finds nothing in their databases (a thousand checkouts at
 * once may be more than a small machine answers with the 50 containers of the large one), and the
 * databases fail over: primaries are taken away under load, and nothing acknowledged is gone.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findInconsistencies } from '../bench/consistency.ts'
import { type ContainerShop, composeShop, missingDocker } from './compose-shop.ts'
import { SteadyLoad } from './steady-load.ts'
import { assertSound, tellMissing } from './suite.ts'
import { variants } from './variants.ts'

const missing = await missingDocker()

if (missing !== undefined) {
  tellMissing(missing, process.env)
}

/** A size in one variant is what a run of all tests has time for; nightly each in all four. */
const tried = (['medium', 'large'] as const).flatMap((size, index) => {
  const chosen = process.env.EVERY_VARIANT === 'true' ? variants : [variants[index * 3]!]
  return chosen.map((variant) => [size, variant] as const)
})

const nothing = { stockInAnswers: 0, stockInDatabase: 0, paymentInAnswers: 0, paymentInDatabase: 0 }
const orders = 60_000
const usual = 40
/** Far more than a failover takes; who needs longer does not come back. */
const backWithinMs = 60_000

async function primariesAreLost(running: ContainerShop, primaries: readonly string[]) {
  const load = await SteadyLoad.prepare(running.shop, orders)
  load.start(running.shop)
  const told: string[] = []
  try {
    await load.untilPaid(usual, backWithinMs)
    for (const name of primaries) {
      const ms = await load.untilPaidAfter(() => running.stop(name), backWithinMs)
      await load.untilPaid(usual, backWithinMs)
      await running.start(name)
      await load.untilPaid(usual, backWithinMs)
      told.push(`${name} taken away: a checkout succeeded after ${ms.toFixed()} ms`)
    }
  } finally {
    await load.stop()
  }
  await assertSound(running, load.expected)
  return told
}

describe('compose sizes', { skip: missing !== undefined, concurrency: 1 }, () => {
  for (const [size, variant] of tried) {
    test(`${size}, ${variant.name}`, async (context) => {
      const file = `docker-compose-${size}.yml`
      const running = await composeShop(variant, { file, instances: 2 })
      try {
        const primaries = running.parts
          .map(({ name }) => name)
          .filter((name) => /-db-1-1$/.test(name))
        assert.equal(primaries.length, 4)
        const found = await findInconsistencies(running.shop.origin)
        const { stockInAnswers: unknown, stockInDatabase, paymentInDatabase } = found
        if (size === 'medium') assert.deepEqual(found, nothing)
        assert.deepEqual(
          { stockInDatabase, paymentInDatabase },
          { stockInDatabase: 0, paymentInDatabase: 0 },
        )
        if (unknown > 0) context.diagnostic(`of a thousand at once, ${unknown} were told 503`)
        for (const line of await primariesAreLost(running, primaries)) context.diagnostic(line)
      } finally {
        await running.close()
      }
    })
  }
})
