/**
 * `./till up --engines redis-kafka`: a shop whose services, databases, bus, gateway and watchdogs
 * are processes of this machine. In the foreground it stays and stops everything on Ctrl-C.
 */
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/runtime/clock.ts'
import type { Config } from '../../lib/runtime/config.ts'
import { variantOf } from '../../lib/runtime/config.ts'
import { exitCodes } from '../../lib/runtime/lifecycle.ts'
import { listenOn } from '../../lib/runtime/listen.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import { type Size, sizes } from '../../lib/runtime/topology.ts'
import type { ProcessSpec } from '../../watchdog/process-spec.ts'
import { makeDataDirectory } from '../data-directory.ts'
import { CommandFailure } from '../failure.ts'
import { trials } from '../greeting.ts'
import { duration, say } from '../print.ts'
import { publicUrl } from '../shop-client.ts'
import {
  type EngineFile,
  freeBlock,
  newPasswords,
  readEngineFile,
  writeEngineFile,
} from './engine-file.ts'
import { startAll, stopAll } from './launch.ts'
import { requireEngines } from './needed.ts'
import { oneAtATime } from './one-at-a-time.ts'
import { runningPids } from './running-specs.ts'
import { requireUsableName } from './shop-files.ts'
import { stayWithShop } from './stay-with-shop.ts'

export interface UpOptions {
  readonly config: Config
  /** Undefined: that of the data, or `default`. */
  readonly size: Size | undefined
  /** Undefined: that of the data, or of the size. */
  readonly partitions: number | undefined
  readonly links: boolean
  readonly detach: boolean
}

/**
 * Resolves when the shop is open (detached), or when it has been stopped. A signal that comes
 * while it starts ends the start, and what it had started.
 */
export async function upEngines(options: UpOptions): Promise<void> {
  const data = resolve(options.config.data)
  requireUsableName(data)
  await requireEngines()
  requireOwnData(data)
  makeDataDirectory(data)
  const signalled = new AbortController()
  for (const signal of signals) process.on(signal, () => signalled.abort(signal))
  const { signal } = signalled
  try {
    const file = await oneAtATime(data, () => start(data, options, signal))
    if (!options.detach) await stayWithShop(data, file, signal)
  } catch (error) {
    if (!signal.aborted || error !== signal.reason) throw error
    say('The start was stopped: nothing of it runs.')
    if (options.detach) process.exitCode = exitCodes[signal.reason as Signal]
  }
}

const signals = ['SIGINT', 'SIGTERM'] as const
type Signal = (typeof signals)[number]

/** Under the lock: what was looked at before it may have changed. */
async function start(data: string, options: UpOptions, signal: AbortSignal): Promise<EngineFile> {
  requireOwnData(data)
  if (runningPids(data).length > 0) {
    throw new CommandFailure(`A shop runs on ${data} already: ./till status, ./till down.`)
  }
  // Of a shop that was killed: workers of its nginx, which hold the port.
  await stopAll(data, () => {})
  const file = await engineFile(data, options)
  writeEngineFile(data, file)
  const plan = {
    ...{ config: options.config, file, data },
    root: fileURLToPath(new URL('../..', import.meta.url)),
    node: process.execPath,
  }
  const onHealthy = ({ name, kind }: ProcessSpec, ms: number) =>
    say(`${name.padEnd(21)} ${kind.padEnd(9)} ${duration(ms)}`)
  await startAll(plan, onHealthy, signal)
  say(greetingOf(file, data))
  return file
}

/** Two kinds of shops on one directory would each think that the other's data is its own. */
function requireOwnData(data: string): void {
  if (existsSync(join(data, 'stock')) && readEngineFile(data) === undefined) {
    throw new CommandFailure(
      `${data} holds the data of an embedded shop: choose another directory with --data.`,
    )
  }
  if (existsSync(data) && readEngineFile(data) === undefined && readdirSync(data).some(isForeign)) {
    throw new CommandFailure(`${data} holds something else: choose another with --data.`)
  }
}

/** What may be there before engines.json: the lock, and a draft of that file. */
const isForeign = (name: string) => !/^(lock|engines\.json\.\d+)$/.test(name)

async function engineFile(data: string, options: UpOptions): Promise<EngineFile> {
  const { config } = options
  const before = readEngineFile(data)
  const size = options.size ?? before?.size ?? 'default'
  const partitions = options.partitions ?? before?.partitions ?? sizes[size].partitions
  if (before !== undefined && before.partitions !== partitions) {
    throw new CommandFailure(
      `The data in ${data} was created with PARTITIONS=${before.partitions}, which is for ever; ` +
        `this start asks for PARTITIONS=${partitions}. Leave --partitions and PARTITIONS out.`,
    )
  }
  const firstPort = before?.firstPort ?? (await freeBlock(systemRandom))
  const port = config.port === 0 ? (before?.port ?? firstPort + lastOfBlock) : config.port
  await requireFreePort(config.host, port)
  return {
    ...{ size, partitions, firstPort, port, host: config.host, variant: variantOf(config) },
    links: options.links,
    passwords: before?.passwords ?? newPasswords(systemRandom),
    startedAt: systemClock.wallTime(),
  }
}

/** nginx would say so in its log only. Throws ShopError `port_taken` or `invalid_settings`. */
async function requireFreePort(host: string, port: number): Promise<void> {
  const { servers } = await listenOn(host, port, createServer, { host: 'HOST', port: 'PORT' })
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))))
}

/** Where the gateway goes when any port will do. */
const lastOfBlock = 99

function greetingOf(file: EngineFile, data: string): string {
  const url = publicUrl(file)
  return [
    '',
    `Till is open on ${url}`,
    '',
    `  variant  ${file.variant}`,
    `  size     ${file.size}, ${file.partitions} partitions`,
    `  data     ${data}`,
    '',
    'Try:',
    ...trials(url).map((line) => `  ${line}`),
    `  ./till status --data ${word(data)}`,
  ].join('\n')
}

/** As a shell reads it. */
const word = (text: string) =>
  /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
