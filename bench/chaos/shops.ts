/**
 * Shops to which faults can be done: the embedded one, which this process watches over, and one of
 * processes, whose own watchdogs do.
 */
import { appendFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { runDirectory, specsOf } from '../../cli/engines/running-specs.ts'
import { systemClock } from '../../lib/runtime/clock.ts'
import { inspect, signalProcess, startProcess, stopProcess } from '../../watchdog/processes.ts'
import { type EngineKind, startShop } from '../engines-under-test.ts'
import { ShopUnderTest, type Target } from '../shop-under-test.ts'
import type { Fault, Part } from './schedule.ts'

export interface ChaosShop {
  readonly target: Target
  readonly parts: readonly Part[]
  /** Resolves when the fault is over: what was killed may still be starting. */
  inflict(fault: Fault): Promise<void>
  /** The process of a part, if it runs. */
  pidOf(name: string): number | undefined
  /** Resolves when everything that was killed has been started again. */
  healed(): Promise<void>
  stop(): Promise<void>
}

/** Every branch is kept, so that each transaction can be checked. */
const settings = { AUDIT: 'true' }

export function startChaosShop(
  engines: EngineKind,
  variant: string,
  data: string,
): Promise<ChaosShop> {
  return engines === 'embedded' ? embedded(variant, data) : ofProcesses(variant, data)
}

async function embedded(variant: string, data: string): Promise<ChaosShop> {
  const shop = new ShopUnderTest({ variant, data, port: 0, settings })
  await shop.start()
  const restart = async () => {
    await shop.kill()
    await shop.start()
  }
  return {
    get target() {
      return shop.target
    },
    parts: [{ name: 'shop', kind: 'service' }],
    pidOf: () => shop.pid,
    async inflict({ kind, lastsMs }) {
      if (kind === 'pause') return pause((signal) => shop.signal(signal), lastsMs)
      await restart()
      if (kind !== 'kill twice') return
      await systemClock.sleep(lastsMs)
      await restart()
    },
    healed: async () => {},
    stop: () => shop.stop(),
  }
}

async function pause(signal: (name: NodeJS.Signals) => void, lastsMs: number): Promise<void> {
  signal('SIGSTOP')
  await systemClock.sleep(lastsMs)
  signal('SIGCONT')
}

const backWithinMs = 60_000
const lookEveryMs = 50

async function ofProcesses(variant: string, data: string): Promise<ChaosShop> {
  const { target, stop } = await startShop('redis-kafka', { variant, data, settings, links: true })
  const own = join(data, 'shop')
  const runs = runDirectory(own)
  const specs = specsOf(own)
  const specOf = (name: string) => specs.find((each) => each.name === name)!
  const kill = (name: string) => signalProcess(name, runs, 'SIGKILL')
  const until = async (isSo: () => boolean, what: string) => {
    const giveUpAt = systemClock.now() + backWithinMs
    while (!isSo()) {
      if (systemClock.now() > giveUpAt) throw new Error(`${what}: not in ${backWithinMs} ms.`)
      await systemClock.sleep(lookEveryMs)
    }
  }
  const isAlive = (name: string) => inspect(name, runs)?.isAlive === true
  return {
    target,
    parts: specs.map(({ name, kind }) => ({ name, kind })),
    pidOf: (name) => (isAlive(name) ? inspect(name, runs)?.pid : undefined),
    async inflict({ kind, targets, lastsMs }) {
      const name = targets[0]!
      if (kind === 'pause') return pause((signal) => signalProcess(name, runs, signal), lastsMs)
      for (const each of targets) kill(each)
      if (kind === 'power cut') tearTail(join(own, name, 'appendonlydir'))
      if (kind === 'kill twice') {
        await until(() => isAlive(name), `${name} is started again`)
        await systemClock.sleep(lastsMs)
        kill(name)
      }
      if (kind !== 'down') return
      await stopProcess(name, runs, 0)
      await systemClock.sleep(lastsMs)
      await startProcess(specOf(name), runs)
    },
    healed: () => until(() => specs.every(({ name }) => isAlive(name)), 'everything is back'),
    stop,
  }
}

/** The beginning of a command: as much as the disk has got of it. */
const halfAWrite = '*3\r\n$3\r\nSET\r\n$5\r\nto'

/**
 * What a power cut leaves: all that was flushed (before it was acknowledged), and of the next write
 * a piece. Redis must find the end of what is whole.
 */
function tearTail(directory: string): void {
  const files = readdirSync(directory).filter((name) => name.endsWith('.incr.aof'))
  const newest = files.toSorted((one, other) => sequenceOf(one) - sequenceOf(other)).at(-1)
  if (newest !== undefined) appendFileSync(join(directory, newest), halfAWrite)
}

const sequenceOf = (name: string) => Number(/\.(\d+)\.incr\.aof$/.exec(name)?.[1] ?? 0)
