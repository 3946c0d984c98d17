/**
 * `kill -9` in the middle of load, again and again, and then the full check: what was answered is
 * true, every transaction came to its end by itself, nothing was done twice or half, nothing is
 * left. For any shop that can be killed and started again.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { promised } from './checker-answers.ts'
import { Load } from './restart-load.ts'
import type { RestartableShop } from './running-shop.ts'
import { assertSound } from './suite.ts'
import { type Variant, variants } from './variants.ts'

/** Checkouts answered between two kills, and ms from the last of them to the kill, at most. */
const fewestAnswers = 20
const mostAnswers = 150
const longestPauseMs = 10
/** One kill in so many comes while the shop is still starting, and so in the middle of recovery. */
const killsPerFailedStart = 4
const longestStartMs = 500

/** Runs the load until some random moment, kills the shop in the middle and starts it as `next`. */
async function cycle(running: RestartableShop, load: Load, next: Variant): Promise<number> {
  const { random } = load
  const ended = load.run(running)
  await load.answered(fewestAnswers + random.integer(mostAnswers - fewestAnswers))
  await systemClock.sleep(random.integer(longestPauseMs))
  await running.kill()
  await ended
  let kills = 1
  if (random.integer(killsPerFailedStart) === 0) {
    await running.startAndKill(random.integer(longestStartMs), next)
    kills++
  }
  await running.start(next)
  await load.confirm(running)
  return kills
}

/** The load must have met what it is there to meet, or the check has shown little. */
function assertEventful({ answers }: Load): void {
  for (const promise of ['paid', 'not paid', 'not known'] as const) {
    const met = answers.filter(({ status }) => promised(status) === promise).length
    assert.ok(met > 0, `no answer was "${promise}"`)
  }
}

/** At least `kills` kills of one variant. */
export function restartSuite(
  variant: Variant,
  start: () => Promise<RestartableShop>,
  { kills, seed }: { kills: number; seed: number },
): void {
  test(`${variant.name}: ${kills} kills in the middle of load`, async () => {
    const running = await start()
    try {
      const load = await Load.prepare(running, seed)
      for (let done = 0; done < kills; ) done += await cycle(running, load, variant)
      await assertSound(running, load.expected)
      assertEventful(load)
    } finally {
      await running.close()
    }
  })
}

/** Every ordered pair of the four variants, as one walk: an Eulerian circuit. */
const walk = [0, 1, 0, 2, 0, 3, 1, 2, 1, 3, 2, 3, 0]

/** Killed as one variant, started as another, through all twelve pairs. */
export function crossVariantSuite(
  start: (variant: Variant) => Promise<RestartableShop>,
  { seed }: { seed: number },
): void {
  test('each variant finishes what each other one began', async () => {
    const [first, ...others] = walk.map((index) => variants[index]!)
    const running = await start(first!)
    try {
      const load = await Load.prepare(running, seed)
      for (const next of others) await cycle(running, load, next)
      await assertSound(running, load.expected)
      assertEventful(load)
    } finally {
      await running.close()
    }
  })
}

/** SIGTERM in the middle of load: what was accepted is answered, and the shop ends well. */
export function drainSuite(
  variant: Variant,
  start: () => Promise<RestartableShop>,
  { seed }: { seed: number },
): void {
  test(`${variant.name}: told to stop in the middle of load`, async () => {
    const running = await start()
    try {
      const load = await Load.prepare(running, seed)
      const ended = load.run(running)
      await load.answered(mostAnswers)
      assert.equal(await running.stop(), 0)
      await ended
      await running.start()
      await load.confirm(running)
      await assertSound(running, load.expected)
    } finally {
      await running.close()
    }
  })
}
