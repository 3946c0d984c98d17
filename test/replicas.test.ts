/**
 * Two instances of each service on Redis and Kafka: what one of them did when it was killed, or
 * paused for longer than every timeout, the other takes over; one that wakes up does no harm. The
 * watchdogs are frozen meanwhile, or they would bring it back at once.
 */
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { probe } from '../watchdog/probe.ts'
import { type EngineShop, engineShop, enginesAreThere } from './engine-shop.ts'
import { lastWords } from './last-words.ts'
import { SteadyLoad } from './steady-load.ts'
import { assertSound, eventually } from './suite.ts'
import { variants } from './variants.ts'

const areThere = await enginesAreThere('NO INSTANCE ON REDIS AND KAFKA WAS TAKEN OVER', process.env)

const orders = 60_000
const usual = 40
const backWithinMs = 60_000
/** Beyond KAFKA_SESSION_MS, INQUIRE_AFTER_MS and the deadline of a checkout. */
const pausedMs = 12_000
const answersWithinMs = 1_000
const services = ['order', 'stock', 'payment', 'orchestrator'] as const

function freeze(running: EngineShop, signal: 'SIGSTOP' | 'SIGCONT'): void {
  for (const { name, kind } of running.parts) {
    if (kind === 'watchdog') running.signal(name, signal)
  }
}

/**
 * One that is on record may still wait for its watchdog's word to begin (watchdog/processes.ts),
 * which never comes from a watchdog that is frozen then.
 */
async function answers({ specs }: EngineShop, name: string): Promise<boolean> {
  const spec = specs.find((each) => each.name === name)!
  const asked = await probe(spec.probe, { clock: systemClock, withinMs: answersWithinMs })
  return asked.health === 'well'
}

/** The first instance is gone for good, as far as the others know. */
async function killed(context: TestContext, running: EngineShop, load: SteadyLoad, name: string) {
  freeze(running, 'SIGSTOP')
  const ms = await load.untilPaidAfter(() => running.kill(name), backWithinMs)
  await load.untilPaid(usual, backWithinMs)
  assert.equal(await running.runOf(name), undefined, `${name} came back by itself`)
  freeze(running, 'SIGCONT')
  const isBack = await eventually(backWithinMs, () => answers(running, name))
  assert.ok(isBack, `${name} was not brought back`)
  context.diagnostic(`${name} killed: a checkout succeeded after ${ms.toFixed()} ms`)
}

async function paused(context: TestContext, running: EngineShop, load: SteadyLoad, name: string) {
  const before = await running.runOf(name)
  const at = systemClock.now()
  const pause = async () => void running.signal(name, 'SIGSTOP')
  const ms = await load.untilPaidAfter(pause, backWithinMs)
  await systemClock.sleep(Math.max(0, at + pausedMs - systemClock.now()))
  running.signal(name, 'SIGCONT')
  await load.untilPaid(usual, backWithinMs)
  assert.equal(await running.runOf(name), before, `${name} is not the one that was paused`)
  context.diagnostic(`${name} paused: a checkout succeeded after ${ms.toFixed()} ms`)
}

describe('replicas', { skip: !areThere, concurrency: 1 }, () => {
  for (const variant of [variants[1]!, variants[2]!]) {
    test(variant.name, async (context) => {
      const running = await engineShop(variant, 'medium')
      try {
        const load = await SteadyLoad.prepare(running.shop, orders)
        load.start(running.shop)
        try {
          await load.untilPaid(usual, backWithinMs)
          for (const service of services) await killed(context, running, load, `${service}-1`)
          // A watchdog that wakes up may take the one that was paused for one that hangs.
          freeze(running, 'SIGSTOP')
          for (const service of services) await paused(context, running, load, `${service}-2`)
        } catch (error) {
          context.diagnostic(await lastWords(running.specs))
          throw error
        } finally {
          await load.stop()
        }
        await assertSound(running, load.expected)
      } finally {
        freeze(running, 'SIGCONT')
        await running.close()
      }
    })
  }
})
