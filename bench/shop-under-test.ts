/**
 * A shop that is measured or killed: one that this process starts by the README's own line,
 * `./till up --detach`, on a data directory and as a process of its own; or one that runs already.
 * A shop that was started ends with this process, unless that is killed itself.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunFile, readRunFile } from '../cli/run-file.ts'
import { type FoundShop, foundOf, publicUrl } from '../cli/shop-client.ts'
import { type Clock, systemClock } from '../lib/runtime/clock.ts'
import { isSameProcess } from '../lib/runtime/process-identity.ts'
import type { InternalOrigins } from '../test/http-records.ts'
import { tillUp } from './till-up.ts'

/** What a run needs to know of a shop, whoever started it. */
export interface Target {
  readonly origin: string
  /** Of the internal routes; undefined where they cannot be reached. */
  readonly internalOrigin?: string | InternalOrigins | undefined
  /** Its processes on this machine; none where it runs elsewhere. */
  readonly pids: readonly number[]
  readonly variant: string
}

export const targetOf = (run: FoundShop): Target => ({
  origin: publicUrl(run),
  internalOrigin: run.internal,
  pids: run.pids,
  variant: run.variant,
})

export interface StartOptions {
  readonly variant: string
  readonly data: string
  /** 0 takes any free one at the first start, and that one again at later ones. */
  readonly port: number
  /** Further settings, by their environment variables. */
  readonly settings?: Readonly<Record<string, string>>
}

const lookEveryMs = 10
const stopWithinMs = 60_000
const mostTries = 20
const againMs = 50

export class ShopUnderTest {
  readonly #options: StartOptions
  readonly #clock: Clock
  #port: number
  #run: RunFile | undefined
  readonly #killAtExit = () => {
    this.#run ??= readRunFile(this.#options.data)
    this.signal('SIGKILL')
  }

  constructor(options: StartOptions, clock: Clock = systemClock) {
    this.#options = options
    this.#port = options.port
    this.#clock = clock
  }

  get target(): Target {
    if (this.#run === undefined) throw new Error('The shop does not run.')
    return targetOf(foundOf(this.#run))
  }

  /** Its process, while it runs. */
  get pid(): number | undefined {
    return this.#run?.pid
  }

  /** Resolves when the shop answers; throws with its last lines when it does not. */
  async start(): Promise<void> {
    const { variant, data, settings = {} } = this.#options
    // Before its data is removed.
    process.prependOnceListener('exit', this.#killAtExit)
    await tillUp(settings, ['--variant', variant, '--data', data, '--port', String(this.#port)])
    this.#run = readRunFile(data)
    this.#port = this.#run?.port ?? this.#port
  }

  /** `kill -9`; resolves when the process is gone. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Lets it stop in order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const ended = this.#run
    if (ended === undefined) return
    this.signal(signal)
    process.off('exit', this.#killAtExit)
    const giveUpAt = this.#clock.now() + stopWithinMs
    while (isSameProcess(ended.pid, ended.processStart)) {
      if (this.#clock.now() > giveUpAt) throw new Error(`Process ${ended.pid} does not stop.`)
      await this.#clock.sleep(lookEveryMs)
    }
    this.#run = undefined
  }

  signal(signal: NodeJS.Signals): void {
    const { pid, processStart } = this.#run ?? {}
    if (pid === undefined || !isSameProcess(pid, processStart ?? '')) return
    process.kill(pid, signal)
  }
}

/** A data directory that is removed again when `use` has ended, well or not. */
export async function withDataDirectory<T>(use: (path: string) => Promise<T>): Promise<T> {
  const path = mkdtempSync(join(tmpdir(), 'till-bench-'))
  // A shop that was killed a moment ago may still put a file into it.
  const remove = () =>
    rmSync(path, { recursive: true, force: true, maxRetries: mostTries, retryDelay: againMs })
  process.once('exit', remove)
  try {
    return await use(path)
  } finally {
    process.off('exit', remove)
    remove()
  }
}
