/** `./till down`: asks the shop on a data directory to stop in order, and waits until it has. */
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { isSameProcess } from '../lib/runtime/process-identity.ts'
import { isEngineData } from './engines/engine-file.ts'
import { oneAtATime } from './engines/one-at-a-time.ts'
import { CommandFailure } from './failure.ts'
import { say } from './print.ts'
import { readRunFile } from './run-file.ts'
import { addDataFlag } from './settings-flags.ts'

const examples = `
Examples:
  ./till down                    the shop on .till
  ./till down --data /tmp/shop   another one

Requests under way may end first (DRAIN_MS). Where no shop runs this says so and succeeds.`

/** Longer than a shop drains by default; the shop goes on stopping when this is over. */
const stopWithinMs = 30_000
const lookEveryMs = 20

export function define(command: Command): void {
  addDataFlag(command)
  command.addHelpText('after', examples).action(async ({ data }: { data?: string }) => {
    const config = readConfig(data === undefined ? {} : { data })
    if (isEngineData(config.data)) await stopMany(config.data)
    else say(await stop(config.data))
  })
}

/** Also where none of its processes runs: what they have left behind ends. */
async function stopMany(data: string): Promise<void> {
  const { stopAll } = await import('./engines/launch.ts')
  let stopped = 0
  await oneAtATime(data, () =>
    stopAll(resolve(data), (name) => {
      stopped++
      say(`${name} stopped`)
    }),
  )
  say(stopped > 0 ? `The shop on ${data} has stopped.` : `No shop runs on ${data}.`)
}

/** A sentence about what became of the shop; throws CommandFailure when it is still there. */
async function stop(data: string): Promise<string> {
  const run = readRunFile(data)
  if (run === undefined) return `No shop runs on ${data}.`
  try {
    process.kill(run.pid, 'SIGTERM')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ESRCH') return `The shop on ${data} has just ended.`
    throw new CommandFailure(`The shop on ${data}, process ${run.pid}, cannot be told: ${message}.`)
  }
  const giveUpAt = systemClock.now() + stopWithinMs
  while (isSameProcess(run.pid, run.processStart)) {
    if (systemClock.now() >= giveUpAt) {
      throw new CommandFailure(
        `The shop on ${data}, process ${run.pid}, has not stopped within ` +
          `${stopWithinMs / 1_000} s. It still drains, or hangs: ./till down again stops it at ` +
          'once, and loses nothing.',
      )
    }
    await systemClock.sleep(lookEveryMs)
  }
  return `The shop on ${data} has stopped.`
}
