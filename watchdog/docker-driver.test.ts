/** A watcher over real containers: killed, paused, frozen, stopped on purpose, removed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { createLog } from '../lib/runtime/log.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import { dockerDriver } from './docker-driver.ts'
import { limitsOf } from './limits.ts'
import { WatchCounters } from './watch-counters.ts'
import { Watchdog } from './watchdog.ts'

const run = promisify(execFile)
const docker = async (...words: string[]) => (await run('docker', words)).stdout.trim()

const image = 'redis:7.2-bookworm'
const isHere = await docker('image', 'inspect', '--format', 'found', image).then(
  () => true,
  () => false,
)
const isCi = process.env.CI === 'true'
const skip =
  isHere || isCi
    ? false
    : `NO DOCKER ENGINE WITH ${image}: start one, then docker pull ${image}, to run these`

const id = systemRandom.id().replaceAll(/[^A-Za-z0-9]/g, 'x')
const label = `till.watch-test=${id}`
const { dockerHost } = readConfig({}, process.env)

const healthCheck = ['redis-cli ping', '1s', '1s', '2'].flatMap((value, index) => [
  ['--health-cmd', '--health-interval', '--health-timeout', '--health-retries'][index]!,
  value,
])

interface Watcher {
  restarts(): number
  /** Whether there is something that it wants to run. */
  isWatched(): boolean
}

/** Starts a container, and a watcher of it; `work` is given both, and nothing is left. */
async function watched(work: (name: string, watcher: Watcher) => Promise<void>): Promise<void> {
  const name = `till-watch-test-${id}-${names++}`
  const counters = new WatchCounters()
  const log = createLog('silent')
  const driver = dockerDriver({
    ...{ dockerHost, labels: [label], clock: systemClock, log, probeWithinMs: 1_000 },
  })
  const watchdog = new Watchdog({
    ...{ driver, clock: systemClock, random: systemRandom, log, counters },
    limits: limitsOf({ watchdogSilentMs: 500 }),
    lookEveryMs: 100,
    probeEveryMs: 200,
  })
  const restarts = () =>
    counters.metrics
      .filter((metric) => metric.name === 'till_watchdog_restarts_total')
      .flatMap((metric) => (metric.kind === 'counter' ? metric.read() : []))
      .reduce((sum, { value }) => sum + value, 0)
  try {
    const labels = ['--label', label, '--label', 'till.kind=database']
    await docker('run', '--detach', '--name', name, ...labels, ...healthCheck, image)
    await until(async () => (await healthOf(name)) === 'healthy')
    watchdog.start()
    // A restart begins a grace; it must have been seen to be well.
    await until(async () => wellIn(counters).includes(1))
    await work(name, { restarts, isWatched: () => wellIn(counters).length > 0 })
  } finally {
    await watchdog.stop()
    await docker('rm', '--force', '--volumes', name)
  }
}
let names = 0

/** Of each container that is watched, whether it is well. */
const wellIn = (counters: WatchCounters): readonly number[] =>
  counters.metrics
    .filter((metric) => metric.name === 'till_watchdog_well')
    .flatMap((metric) => (metric.kind === 'gauge' ? metric.read() : []))
    .map(({ value }) => value)

const stateOf = (name: string, field: string) =>
  docker('inspect', '--format', `{{.State.${field}}}`, name)
const healthOf = (name: string) => stateOf(name, 'Health.Status')

/** Waits for what must come; the test's own limit is the bound. */
async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(50)
}

/** Does it harm, and waits until it runs anew and is well. */
async function broughtBack(name: string, ...harm: string[]): Promise<void> {
  const startedAt = await stateOf(name, 'StartedAt')
  await docker(...harm, name)
  await until(async () => (await stateOf(name, 'StartedAt')) !== startedAt)
  await until(async () => (await healthOf(name)) === 'healthy')
}

describe('containers', { skip, concurrency: 1, timeout: 300_000 }, () => {
  test('one that is killed is brought back, once', () =>
    watched(async (name, watcher) => {
      await broughtBack(name, 'kill')
      assert.equal(watcher.restarts(), 1)
    }))

  test('one that is paused is brought back', () =>
    watched(async (name) => broughtBack(name, 'pause')))

  test('one that runs but is frozen is brought back by its health check', () =>
    watched(async (name) => broughtBack(name, 'kill', '--signal', 'STOP')))

  test('one that is stopped on purpose stays stopped until it is started', () =>
    watched(async (name, watcher) => {
      await docker('stop', name)
      await until(async () => !watcher.isWatched())
      assert.equal(await stateOf(name, 'Status'), 'exited')
      assert.equal(watcher.restarts(), 0)
      await docker('start', name)
      await until(async () => (await healthOf(name)) === 'healthy')
      await broughtBack(name, 'kill')
    }))

  test('a watcher that comes later leaves alone what was stopped before', () =>
    watched(async (name) => {
      await docker('stop', name)
      const log = createLog('silent')
      const driver = dockerDriver({
        ...{ dockerHost, labels: [label], clock: systemClock, log, probeWithinMs: 1_000 },
      })
      try {
        await docker('run', '--detach', '--name', `${name}-2`, '--label', label, image)
        // The other is seen once the past is known; the stopped one never is.
        await until(async () => {
          const seen = (await driver.look()).map((found) => found.name)
          assert.ok(!seen.includes(name))
          return seen.includes(`${name}-2`)
        })
      } finally {
        await driver.close()
        await docker('rm', '--force', '--volumes', `${name}-2`)
      }
    }))
})
