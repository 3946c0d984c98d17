/**
 * What a watcher takes for stopped on purpose, over an engine that keeps as few events as the real
 * one, and forgets them when it starts. Real containers: docker-driver.test.ts.
 */
import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { createLog } from '../lib/runtime/log.ts'
import { dockerDriver } from './docker-driver.ts'
import type { Driver } from './driver.ts'

const label = 'till.watch=true'
const keptEvents = 256

interface Container {
  startedAt: number
  endedAt: number
  exitCode: number
  isRunning: boolean
}

/** So much of the Docker engine as a watcher asks for; its clock goes on by itself. */
class FakeEngine {
  readonly #containers = new Map<string, Container>()
  readonly #streams = new Set<ServerResponse>()
  /** Whether it tells events; a watcher who asks meanwhile is hung up on. */
  #isTelling = true
  #events: { at: number; line: string }[] = []
  /** Ms. */
  #now = systemClock.wallTime() - 3_600_000
  readonly #server = createServer((request, response) => this.#answer(request.url!, response))
  address = ''

  async start(): Promise<this> {
    await new Promise<void>((resolve) => void this.#server.listen(0, '127.0.0.1', resolve))
    this.address = `tcp://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
    return this
  }

  async stop(): Promise<void> {
    this.fallSilent()
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  get listeners(): number {
    return this.#streams.size
  }

  fallSilent(): void {
    this.#isTelling = false
    for (const stream of this.#streams) stream.destroy()
    this.#streams.clear()
  }

  speakAgain(): void {
    this.#isTelling = true
  }

  /** What an engine knows of events is gone with it. */
  forget(): void {
    this.#events = []
  }

  run(...names: string[]): void {
    for (const name of names) {
      const startedAt = this.#tick()
      this.#containers.set(name, { startedAt, endedAt: 0, exitCode: 0, isRunning: true })
      this.#tell(name, 'start')
    }
  }

  /** `signal` is what the engine was asked to send; without one it ends by itself. */
  end(name: string, exitCode: number, ...signals: number[]): void {
    for (const signal of signals) this.#tell(name, 'kill', { signal: String(signal) })
    const endedAt = this.#tick()
    Object.assign(this.#containers.get(name)!, { isRunning: false, exitCode, endedAt })
    this.#tell(name, 'die', { exitCode: String(exitCode) })
  }

  /** Health checks of somebody else, which nobody who filters by label hears of. */
  overwriteEvents(): void {
    for (let n = 0; n < keptEvents; n++) this.#tell('other', 'exec_die', {}, false)
  }

  #tick(): number {
    this.#now += 10
    return this.#now
  }

  #tell(name: string, action: string, attributes: object = {}, isTold = true): void {
    const at = this.#tick()
    const Actor = { ID: name, Attributes: { 'till.watch': 'true', ...attributes } }
    const event = { Type: 'container', Action: action, Actor, time: Math.floor(at / 1_000) }
    const line = `${JSON.stringify({ ...event, timeNano: at * 1e6 })}\n`
    this.#events.push({ at, line })
    if (this.#events.length > keptEvents) this.#events.shift()
    if (isTold) for (const stream of this.#streams) stream.write(line)
  }

  #answer(path: string, response: ServerResponse): void {
    const url = new URL(path, 'http://engine')
    if (url.pathname === '/events') {
      if (this.#isTelling) this.#answerEvents(url, response)
      else response.destroy()
      return
    }
    response.setHeader('content-type', 'application/json')
    const [, name] = /^\/containers\/(\w+)\/json$/.exec(url.pathname) ?? []
    const all = [...this.#containers.keys()].map((Id) => ({ Id }))
    response.end(JSON.stringify(url.pathname === '/containers/json' ? all : this.#inspect(name!)))
  }

  #answerEvents(url: URL, response: ServerResponse): void {
    const [since, until] = ['since', 'until'].map((each) => url.searchParams.get(each))
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const { at, line } of this.#events) if (at >= Number(since) * 1_000) response.write(line)
    response.flushHeaders()
    if (until !== null) {
      response.end()
      return
    }
    this.#streams.add(response)
    response.once('close', () => this.#streams.delete(response))
  }

  #inspect(name: string): object {
    const { startedAt, endedAt, exitCode, isRunning } = this.#containers.get(name)!
    const State = {
      Status: isRunning ? 'running' : 'exited',
      Running: isRunning,
      Paused: false,
      ExitCode: exitCode,
      StartedAt: new Date(startedAt).toISOString(),
      FinishedAt: new Date(endedAt).toISOString(),
    }
    const Config = { Labels: { 'till.watch': 'true' } }
    return { Id: name, Name: `/${name}`, State, Config, NetworkSettings: { Networks: {} } }
  }
}

const watcherOf = (engine: FakeEngine) =>
  dockerDriver({
    ...{ dockerHost: engine.address, labels: [label], clock: systemClock },
    ...{ log: createLog('silent'), probeWithinMs: 1_000 },
  })

/** Waits for what must come; the test's own limit is the bound. */
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isSo())) await systemClock.sleep(5)
}

const wantedBy = async (driver: Driver) => (await driver.look()).map(({ name }) => name).toSorted()

/** An engine, and watchers of it that have heard what it knows. */
async function withEngine(
  work: (engine: FakeEngine, watch: () => Promise<Driver>) => Promise<void>,
): Promise<void> {
  const engine = await new FakeEngine().start()
  const watchers: Driver[] = []
  try {
    await work(engine, async () => {
      const before = engine.listeners
      watchers.push(watcherOf(engine))
      await until(() => engine.listeners > before)
      return watchers.at(-1)!
    })
  } finally {
    await Promise.all(watchers.map((each) => each.close()))
    await engine.stop()
  }
}

const limit = { timeout: 30_000 }

test('stopped before a watcher came, and the events are overwritten: left alone', limit, () =>
  withEngine(async (engine, watch) => {
    engine.run('order', 'kafka', 'stock', 'nginx', 'payment', 'crashed', 'other')
    engine.end('order', 0, 15)
    engine.end('kafka', 143, 15)
    engine.end('nginx', 0, 3)
    engine.end('stock', 137, 9)
    engine.end('crashed', 70)
    engine.overwriteEvents()
    // `stock` was killed, or the kernel had no memory for it: that is no order.
    assert.deepEqual(await wantedBy(await watch()), ['crashed', 'other', 'payment', 'stock'])
    engine.run('order')
    assert.ok((await wantedBy(await watch())).includes('order'))
  }),
)

test('what a watcher has heard stays so when the events are overwritten', limit, () =>
  withEngine(async (engine, watch) => {
    engine.run('order', 'stock', 'other')
    const watcher = await watch()
    // It did not end in time, so the engine killed it: it was to stop nevertheless.
    engine.end('order', 137, 15, 9)
    engine.end('stock', 0)
    engine.overwriteEvents()
    await until(async () => !(await wantedBy(watcher)).includes('order'))
    // Who ends by itself while somebody listens is wanted, whatever its code says.
    assert.deepEqual(await wantedBy(watcher), ['other', 'stock'])
  }),
)

test('an engine that starts again has forgotten nothing that counts', limit, () =>
  withEngine(async (engine, watch) => {
    engine.run('order', 'kafka', 'other')
    // As at a reboot: the engine ends everything itself, and asks nobody whether it should stay so.
    engine.end('order', 0, 15)
    engine.end('kafka', 143, 15)
    engine.end('other', 255)
    engine.forget()
    assert.deepEqual(await wantedBy(await watch()), ['kafka', 'order', 'other'])
  }),
)

test(
  'stopped, or started again, while the stream was broken and everything overwritten',
  limit,
  () =>
    withEngine(async (engine, watch) => {
      engine.run('order', 'stock', 'payment', 'other')
      const watcher = await watch()
      engine.end('stock', 137, 15, 9)
      await until(async () => !(await wantedBy(watcher)).includes('stock'))
      engine.fallSilent()
      // What it cannot know it does not judge.
      await until(() =>
        watcher.look().then(
          () => false,
          () => true,
        ),
      )
      engine.end('order', 0, 15)
      engine.end('payment', 137, 9)
      engine.run('stock')
      engine.overwriteEvents()
      engine.speakAgain()
      await until(() => engine.listeners > 0)
      assert.deepEqual(await wantedBy(watcher), ['other', 'payment', 'stock'])
    }),
)
