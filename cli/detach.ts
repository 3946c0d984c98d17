/**
 * Starts the shop in the background: the same `./till up` in a session of its own, its output in
 * `<data>/till.log`. Returns when it answers; says why when it does not.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Config, Overrides } from '../lib/runtime/config.ts'
import { makeDataDirectory, unusableData } from './data-directory.ts'
import { CommandFailure } from './failure.ts'
import { type RunFile, readRunFile } from './run-file.ts'
import { flagsOf } from './settings-flags.ts'
import { ask, publicUrl } from './shop-client.ts'

/** A start that has to read a large log may take a while; after this people are told. */
const startWithinMs = 30_000
const lookEveryMs = 20
/** A larger log is put aside at the start, in place of the one put aside before. */
const largestLogBytes = 10_000_000
const lastLines = 10

/** Throws CommandFailure, with the last lines of the log, when the process ends before that. */
export async function startDetached(config: Config, overrides: Overrides): Promise<RunFile> {
  const log = openLog(config.data)
  const till = fileURLToPath(new URL('till.ts', import.meta.url))
  const child = spawn(process.execPath, [...process.execArgv, till, 'up', ...flagsOf(overrides)], {
    detached: true,
    stdio: ['ignore', log.descriptor, log.descriptor],
  })
  closeSync(log.descriptor)
  child.unref()
  const run = await untilOpen(child, config.data, log)
  await ask(publicUrl(run), '/openapi.json')
  return run
}

async function untilOpen(child: ChildProcess, data: string, log: LogFile): Promise<RunFile> {
  const giveUpAt = systemClock.now() + startWithinMs
  let failure: Error | undefined
  child.once('error', (error) => {
    failure = error
  })
  for (;;) {
    const run = readRunFile(data)
    if (run !== undefined && run.pid === child.pid) return run
    if (failure !== undefined) {
      throw new CommandFailure(`The shop cannot be started: ${failure.message}.`)
    }
    if (child.exitCode !== null || child.signalCode !== null) {
      throw new CommandFailure(
        `The shop did not start. Its last lines, in ${log.path}:\n${log.tail()}`,
      )
    }
    if (systemClock.now() >= giveUpAt) {
      throw new CommandFailure(
        `The shop does not answer after ${startWithinMs / 1_000} s. It goes on starting, as ` +
          `process ${child.pid}: watch ${log.path}, or stop it with kill ${child.pid}.`,
      )
    }
    await systemClock.sleep(lookEveryMs)
  }
}

interface LogFile {
  readonly path: string
  readonly descriptor: number
  /** The last lines written since it was opened, indented. */
  tail(): string
}

function openLog(data: string): LogFile {
  const path = join(data, 'till.log')
  makeDataDirectory(data)
  try {
    if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLogBytes) {
      renameSync(path, `${path}.1`)
    }
    const descriptor = openSync(path, 'a')
    const before = statSync(path).size
    return {
      path,
      descriptor,
      tail: () => {
        const lines = readFileSync(path).subarray(before).toString('utf8').trimEnd().split('\n')
        return lines
          .slice(-lastLines)
          .map((line) => `  ${line}`)
          .join('\n')
      },
    }
  } catch (error) {
    throw unusableData(data, error)
  }
}
