/**
 * A shop of processes on Redis and Kafka (`./till up --engines redis-kafka`), on data of its own,
 * for the suites of this folder.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findEngineShop } from '../cli/engines/engine-shop.ts'
import { missingEngines } from '../cli/engines/needed.ts'
import { runDirectory, specsOf } from '../cli/engines/running-specs.ts'
import type { Size } from '../lib/runtime/topology.ts'
import type { ProcessSpec } from '../watchdog/process-spec.ts'
import { inspect, signalProcess } from '../watchdog/processes.ts'
import type { BreakableShop } from './fault-tolerance.ts'
import { httpRecords } from './http-records.ts'
import { Shop } from './shop.ts'
import { tellMissing } from './suite.ts'
import type { Variant } from './variants.ts'

const till = fileURLToPath(new URL('../till', import.meta.url))
const run = promisify(execFile)

/**
 * Whether everything that such a shop needs is on this machine; where it is not, the report of the
 * calling file says in capitals what did not run.
 */
export async function enginesAreThere(
  otherwise: string,
  environment: { CI?: string | undefined },
): Promise<boolean> {
  const { packages, hasKafka } = await missingEngines()
  const areThere = packages.length === 0 && hasKafka
  const title = `${otherwise}: THEY ARE MISSING. RUN ./till engines install`
  if (!areThere) tellMissing(title, environment)
  return areThere
}

export interface EngineShop extends BreakableShop {
  readonly specs: readonly ProcessSpec[]
  /** Where watchdog/processes.ts keeps what runs. */
  readonly runs: string
  signal(name: string, which: NodeJS.Signals): void
}

/** Started and healthy; rejects with what ./till said. */
export async function engineShop(variant: Variant, size: Size = 'default'): Promise<EngineShop> {
  const directory = await mkdtemp(join(tmpdir(), 'till-engines-'))
  const data = join(directory, 'shop')
  const end = async () => {
    await run(till, ['down', `--data=${data}`])
    await rm(directory, { recursive: true, force: true })
  }
  try {
    const flags = ['--detach', '--port=0', `--data=${data}`, `--variant=${variant.name}`]
    const words = ['up', '--engines=redis-kafka', `--size=${size}`, ...flags]
    await run('env', ['AUDIT=true', till, ...words])
    const found = findEngineShop(data)
    if (found === undefined) throw new Error('The shop is up and cannot be found.')
    const shop = new Shop(`http://127.0.0.1:${found.port}`)
    const records = httpRecords(found.internal)
    const close = async () => {
      await Promise.all([shop.close(), records.close()])
      await end()
    }
    const runs = runDirectory(data)
    const specs = specsOf(data)
    const parts = specs.map(({ name, kind }) => ({ name, kind }))
    const signal = (name: string, which: NodeJS.Signals) =>
      assert.ok(signalProcess(name, runs, which), name)
    const kill = async (name: string) => signal(name, 'SIGKILL')
    const runOf = async (name: string) => {
      const state = inspect(name, runs)
      return state?.isAlive ? `${state.pid} ${state.processStart}` : undefined
    }
    return { variant, shop, records, close, parts, kill, signal, runOf, specs, runs }
  } catch (error) {
    await end()
    throw error
  }
}
