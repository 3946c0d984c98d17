/** Watchers as processes, over real processes: killed, stopped, stopped on purpose; each other. */
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import { type ProcessSpec, writeTopology } from './process-spec.ts'
import { inspect, signalProcess, startProcess, stopProcess } from './processes.ts'

const data = mkdtempSync(join(tmpdir(), 'till-watchdog-'))
const run = join(data, 'run')
const main = fileURLToPath(new URL('main.ts', import.meta.url))
const watchers = ['watchdog-1', 'watchdog-2'] as const

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

const answer = `
  const server = require('node:http').createServer((_, response) => response.end('ok'))
  server.listen(PORT, '127.0.0.1')`

function specOf(name: string, port: number, kind: ProcessSpec['kind']): ProcessSpec {
  const isWatcher = kind === 'watchdog'
  return {
    name,
    kind,
    command: isWatcher
      ? [process.execPath, main]
      : [process.execPath, '--eval', answer.replace('PORT', `${port}`)],
    env: isWatcher ? { DATA: data, INSTANCE: name, INTERNAL_PORT: `${port}`, ...fast } : {},
    cwd: data,
    logPath: join(data, `${name}.log`),
    probe: { kind: 'http', url: `http://127.0.0.1:${port}/live`, status: 200 },
  }
}

/** Shorter than in life, so that the test is. */
const fast = { WATCHDOG_SILENT_MS: '600', WATCHDOG_PROBE_MS: '200', WATCHDOG_LOOK_MS: '50' }

let specs: readonly ProcessSpec[] = []

before(async () => {
  specs = [
    specOf('shop', await freePort(), 'service'),
    ...(await Promise.all(
      watchers.map(async (name) => specOf(name, await freePort(), 'watchdog')),
    )),
  ]
  writeTopology(join(data, 'topology.json'), specs)
  for (const spec of specs) await startProcess(spec, run)
  for (const { probe } of specs) await until(() => isWell(probe))
})
after(async () => {
  for (const { name } of specs.toReversed()) await stopProcess(name, run, 5_000)
  rmSync(data, { recursive: true })
})

async function isWell(probe: ProcessSpec['probe']): Promise<boolean> {
  if (probe.kind !== 'http') return false
  const signal = AbortSignal.timeout(500)
  return fetch(probe.url, { signal }).then(
    ({ ok }) => ok,
    () => false,
  )
}

/** Waits for what must come; the test's own limit is the bound. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(20)
}

const specNamed = (name: string) => specs.find((spec) => spec.name === name)!
const pidOf = (name: string) => inspect(name, run)!.pid
const restartsOf = (name: string) => inspect(name, run)!.restarts

/** Signals it, and waits until another process of that name is well. */
async function broughtBack(name: string, signal: NodeJS.Signals): Promise<void> {
  // A restart begins a grace in which silence is no news: it must have been well before.
  await until(() => watchersSee(name))
  const before = { pid: pidOf(name), restarts: restartsOf(name) }
  assert.ok(signalProcess(name, run, signal))
  await until(() => pidOf(name) !== before.pid && isWell(specNamed(name).probe))
  assert.equal(restartsOf(name), before.restarts + 1)
}

/** Whether every watcher that runs, but itself, has found it well. */
async function watchersSee(name: string): Promise<boolean> {
  const seen = await Promise.all(
    watchers
      .filter((each) => each !== name)
      .map(async (each) => {
        const text = await metricsOf(each)
        return text.includes(`till_watchdog_well{name="${name}",kind="${specNamed(name).kind}"} 1`)
      }),
  )
  return seen.every(Boolean)
}

async function metricsOf(name: string): Promise<string> {
  const { probe } = specNamed(name)
  assert.ok(probe.kind === 'http')
  const signal = AbortSignal.timeout(500)
  return fetch(probe.url.replace('live', 'metrics'), { signal }).then(
    (response) => response.text(),
    () => '',
  )
}

const limit = { timeout: 120_000 }

test('a killed process is brought back, once, though two watch', limit, async () => {
  await broughtBack('shop', 'SIGKILL')
  const counted = await Promise.all(watchers.map(metricsOf))
  const restarts = counted.flatMap((text) => [
    ...text.matchAll(/^till_watchdog_restarts_total\{name="shop".*cause="ended"\} (\d+)$/gm),
  ])
  assert.equal(
    restarts.reduce((sum, match) => sum + Number(match[1]), 0),
    1,
  )
})

test('a process that is stopped, alive and silent, is brought back', limit, async () => {
  await broughtBack('shop', 'SIGSTOP')
})

test('a watcher that is killed or silent is brought back by the other', limit, async () => {
  await broughtBack('watchdog-1', 'SIGKILL')
  await broughtBack('watchdog-2', 'SIGSTOP')
  await broughtBack('shop', 'SIGKILL')
})

test(
  'what is stopped on purpose stays stopped; what is started again is watched',
  limit,
  async () => {
    await until(() => watchersSee('shop'))
    await stopProcess('shop', run, 5_000)
    // Gone from what both watch: they have looked since, and left it alone.
    await until(async () =>
      (await Promise.all(watchers.map(metricsOf))).every(
        (text) => /^till/m.test(text) && !/"shop".* 1$/m.test(wellOf(text)),
      ),
    )
    assert.equal(inspect('shop', run)?.isAlive, false)
    await startProcess(specNamed('shop'), run)
    await broughtBack('shop', 'SIGKILL')
  },
)

const wellOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('till_watchdog_well'))
    .join('\n')

test('after blow upon blow everything is well, and nothing ever ran twice', limit, async () => {
  const random = seededRandom(42)
  for (let blow = 0; blow < 12; blow++) {
    const { name } = specs[random.integer(specs.length)]!
    // Someone must be left to mend things: all watchers at once are for a person, or for init.
    await until(async () => {
      const others = watchers.filter((each) => each !== name)
      return (await Promise.all(others.map(isWatching))).some(Boolean)
    })
    signalProcess(name, run, random.integer(2) === 0 ? 'SIGKILL' : 'SIGSTOP')
    await systemClock.sleep(random.integer(300))
  }
  for (const { name, probe } of specs) {
    await until(async () => (await isWell(probe)) && (await watchersSee(name)))
  }
  for (const { logPath } of specs) {
    assert.doesNotMatch(readFileSync(logPath, 'utf8'), /EADDRINUSE|another process listens/)
  }
})

const isWatching = (name: string) => isWell(specNamed(name).probe)

test('every action is in the log', () => {
  const lines = watchers.flatMap((name) =>
    readFileSync(specNamed(name).logPath, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  )
  const restarting = lines.filter(({ msg }) => msg === 'Restarting')
  assert.ok(restarting.some(({ name, cause }) => name === 'shop' && cause === 'silent'))
  assert.ok(restarting.some(({ name, cause }) => name === 'watchdog-1' && cause === 'ended'))
})
