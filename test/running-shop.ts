/**
 * A shop that runs somewhere and can be talked to: what every suite of this folder is given. Here
 * is the one for the embedded shop, as a child process with data of its own; other deployments
 * bring another one and run the same suites.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Overrides } from '../lib/runtime/config.ts'
import type { Failpoint } from './failpoints/failpoint.ts'
import { httpRecords } from './http-records.ts'
import type { ShopRecords } from './records.ts'
import { Shop } from './shop.ts'
import type { Variant } from './variants.ts'

export interface RunningShop {
  readonly variant: Variant
  readonly shop: Shop
  readonly records: ShopRecords
  /** Stops it in order and removes its data; rejects if it had complained or did not end well. */
  close(): Promise<void>
}

/** A shop that can be killed and started again on the data that it left. */
export interface RestartableShop extends RunningShop {
  /** Its process; only while it runs. */
  readonly pid: number
  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
  /** Starts it on its data, also as another variant; resolves when it serves. */
  start(variant?: Variant): Promise<void>
  /** Kills it this many ms after a start that is not waited for. */
  startAndKill(afterMs: number, variant?: Variant): Promise<void>
  /** Starts it with a failpoint. It may die before it serves. */
  startToDie(failpoint: Omit<Failpoint, 'variant'>): Promise<Dying>
}

export interface Dying {
  /** Whether it got as far as serving. */
  readonly serves: boolean
  /** From now on it counts how often it comes to its point. */
  arm(): void
  /** Resolves when it has ended; rejects if it ended otherwise than by SIGKILL. */
  readonly died: Promise<void>
}

const entry = fileURLToPath(new URL('./shop-process.ts', import.meta.url))
const frontWatch = new URL('failpoints/front-watch.ts', import.meta.url).href

interface Ports {
  readonly port: number
  readonly internalPort: number
}

class EmbeddedShopProcess implements RestartableShop {
  variant: Variant
  readonly #data: string
  readonly #settings: Overrides
  #child: ChildProcess | undefined
  #shop: Shop | undefined
  #records: ShopRecords | undefined
  /** What it has written to stderr: errors only, so it should stay empty. */
  #complaints = ''

  constructor(data: string, variant: Variant, settings: Overrides) {
    this.variant = variant
    this.#data = data
    this.#settings = settings
  }

  get pid(): number {
    return this.#child!.pid!
  }

  get shop(): Shop {
    return this.#shop!
  }

  get records(): ShopRecords {
    return this.#records!
  }

  async start(variant = this.variant): Promise<void> {
    await this.#serve(this.#spawn(variant))
  }

  async startToDie(failpoint: Omit<Failpoint, 'variant'>): Promise<Dying> {
    const { variant } = this
    const child = this.#spawn(variant, { ...failpoint, variant })
    const died = once(child, 'exit').then(([, signal]) => assert.equal(signal, 'SIGKILL'))
    const serves = await this.#serve(child).then(
      () => true,
      () => false,
    )
    return { serves, arm: () => void child.kill('SIGUSR2'), died }
  }

  async #serve(child: ChildProcess): Promise<void> {
    const { port, internalPort } = await portsOf(child, () => this.#complaints)
    this.#shop = new Shop(`http://127.0.0.1:${port}`)
    this.#records = httpRecords(`http://127.0.0.1:${internalPort}`)
  }

  async startAndKill(afterMs: number, variant = this.variant): Promise<void> {
    this.#spawn(variant)
    await new Promise((resolve) => setTimeout(resolve, afterMs))
    await this.kill()
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL')
  }

  async stop(): Promise<number | null> {
    const child = this.#child
    await this.#end('SIGTERM')
    return child?.exitCode ?? null
  }

  async close(): Promise<void> {
    const exitCode = this.#child === undefined ? 0 : await this.stop()
    await rm(this.#data, { recursive: true, force: true })
    assert.equal(this.#complaints, '', 'the shop has logged errors')
    assert.equal(exitCode, 0, 'the shop ends well when it is told to stop')
  }

  #spawn(variant: Variant, failpoint?: Failpoint): ChildProcess {
    assert.equal(this.#child, undefined, 'it runs already')
    this.variant = variant
    const settings: Overrides = {
      port: '0',
      host: '127.0.0.1',
      data: this.#data,
      protocol: variant.protocol,
      coordination: variant.coordination,
      audit: 'true',
      logLevel: 'error',
      ...this.#settings,
    }
    const given = failpoint === undefined ? [] : [failpoint]
    const flags = given.map(() => `--import=${frontWatch}`)
    const words = [settings, ...given].map((each) => JSON.stringify(each))
    const child = spawn(process.execPath, [...flags, entry, ...words], {
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    child.stderr.setEncoding('utf8').on('data', (text) => {
      this.#complaints += text
    })
    this.#child = child
    return child
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child
    if (child === undefined) return
    if (child.exitCode === null && child.signalCode === null) {
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    }
    this.#child = undefined
    await Promise.all([this.#shop?.close(), this.#records?.close()])
    this.#shop = undefined
    this.#records = undefined
  }
}

/** The line that a shop prints when it serves; rejects with what it said if it ends instead. */
async function portsOf(child: ChildProcess, complaints: () => string): Promise<Ports> {
  let printed = ''
  child.stdout!.setEncoding('utf8')
  return new Promise((resolve, reject) => {
    child.stdout!.on('data', (text: string) => {
      printed += text
      const end = printed.indexOf('\n')
      if (end >= 0) resolve(JSON.parse(printed.slice(0, end)))
    })
    child.once('close', (code) => {
      reject(new Error(`the shop did not start (exit code ${code}): ${complaints()}`))
    })
  })
}

/** An embedded shop without data, started. Settings not given are the defaults, with AUDIT=true. */
export async function embeddedShop(
  variant: Variant,
  settings: Overrides = {},
): Promise<RestartableShop> {
  const data = await mkdtemp(join(tmpdir(), 'till-test-'))
  const shop = new EmbeddedShopProcess(data, variant, settings)
  try {
    await shop.start()
  } catch (error) {
    await rm(data, { recursive: true, force: true })
    throw error
  }
  return shop
}
