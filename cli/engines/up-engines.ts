/**
 * `./till up --engines redis-kafka`: a shop whose services, databases, bus, gateway and watchdogs
 * are processes of this machine. In the foreground it stays and stops everything on Ctrl-C.
 */
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/runtime/clock.ts'
import type { Config } from '../../lib/runtime/config.ts'
import { variantOf } from '../../lib/runtime/config.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import { type Size, sizes } from '../../lib/runtime/topology.ts'
import { makeDataDirectory } from '../data-directory.ts'
import { CommandFailure } from '../failure.ts'
import { trials } from '../greeting.ts'
import { duration, say } from '../print.ts'
import { publicUrl } from '../shop-client.ts'
import {
  canListen,
  type EngineFile,
  freeBlock,
  newPasswords,
  readEngineFile,
  writeEngineFile,
} from './engine-file.ts'
import { startAll, stopAll } from './launch.ts'
import { requireEngines } from './needed.ts'
import { runningPids } from './running-specs.ts'

export interface UpOptions {
  readonly config: Config
  /** Undefined: that of the data, or `default`. */
  readonly size: Size | undefined
  /** Undefined: that of the data, or of the size. */
  readonly partitions: number | undefined
  readonly links: boolean
  readonly detach: boolean
}

export async function upEngines(options: UpOptions): Promise<void> {
  const data = resolve(options.config.data)
  await requireEngines()
  requireOwnData(data)
  makeDataDirectory(data)
  const file = await engineFile(data, options)
  writeEngineFile(data, file)
  const plan = {
    ...{ config: options.config, file, data },
    root: fileURLToPath(new URL('../..', import.meta.url)),
    node: process.execPath,
  }
  if (!options.detach) stopOnSignals(data)
  await startAll(plan, ({ name, kind }, ms) => {
    say(`${name.padEnd(21)} ${kind.padEnd(9)} ${duration(ms)}`)
  })
  say(greetingOf(file, data))
}

/** Two kinds of shops on one directory would each think that the other's data is its own. */
function requireOwnData(data: string): void {
  if (existsSync(join(data, 'stock')) && readEngineFile(data) === undefined) {
    throw new CommandFailure(
      `${data} holds the data of an embedded shop: choose another directory with --data.`,
    )
  }
  if (runningPids(data).length > 0) {
    throw new CommandFailure(`A shop runs on ${data} already: ./till status, ./till down.`)
  }
  if (existsSync(data) && !existsSync(join(data, 'engines.json')) && readdirSync(data).length > 0) {
    throw new CommandFailure(`${data} holds something else: choose another with --data.`)
  }
}

async function engineFile(data: string, options: UpOptions): Promise<EngineFile> {
  const { config } = options
  const before = readEngineFile(data)
  const size = options.size ?? before?.size ?? 'default'
  const partitions = options.partitions ?? before?.partitions ?? sizes[size].partitions
  if (before !== undefined && before.partitions !== partitions) {
    throw new CommandFailure(
      `The data in ${data} has ${before.partitions} partitions, for ever: leave --partitions out.`,
    )
  }
  const firstPort = before?.firstPort ?? (await freeBlock(systemRandom))
  const port = config.port === 0 ? (before?.port ?? firstPort + lastOfBlock) : config.port
  if (!(await canListen(port))) {
    throw new CommandFailure(
      `PORT=${port}: another process listens there. Set another with --port.`,
    )
  }
  return {
    ...{ size, partitions, firstPort, port, host: config.host, variant: variantOf(config) },
    links: options.links,
    passwords: before?.passwords ?? newPasswords(systemRandom),
    startedAt: systemClock.wallTime(),
  }
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
    '  ./till status',
  ].join('\n')
}

function stopOnSignals(data: string): void {
  const stay = setInterval(() => {}, 60_000)
  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    await stopAll(data, (name) => say(`${name} stopped`))
    clearInterval(stay)
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void stop())
}
