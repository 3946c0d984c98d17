/**
 * Starts, finds and stops processes of this machine for several who may do so at once: the
 * launcher, and every watcher.
 *
 * Promise: a name never runs twice. Who starts or stops it holds the kernel's lock on its name, and
 * a process does nothing before its pid is on record (the gate), so that a starter killed half-way
 * leaves none behind that nobody knows. A pid counts only with the moment its process began. What
 * was stopped on purpose stays stopped until `startProcess`. Next: watchdog.ts, which decides.
 */
import { spawn } from 'node:child_process'
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { systemClock } from '../lib/runtime/clock.ts'
import { inheritableEnvironment } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { isGroupAlive, isSameProcess, processStart } from '../lib/runtime/process-identity.ts'
import { lockDirectory } from '../lib/storage/lock.ts'
import type { ProcessSpec, StopSignal } from './process-spec.ts'
import { type ProcessState, readState, writeState } from './process-state.ts'

/** Whoever starts or stops a name holds its lock for a few ms; then it is another's turn. */
const lockWithinMs = 5_000
const lookEveryMs = 10
/** After SIGKILL a process ends at once, or hangs in the kernel, where nothing reaches it. */
const killWithinMs = 5_000

/**
 * The command begins once a line comes in; if its starter dies before, it never does. The process
 * stays the same: `exec` keeps the pid and the moment it began.
 */
const gate = ['/bin/sh', '-c', 'read -r go || exit 1; exec "$@" </dev/null', 'sh'] as const

export interface Inspected extends ProcessState {
  readonly isAlive: boolean
}

/** What is on record of a name; undefined when it was never started here. */
export function inspect(name: string, runDirectory: string): Inspected | undefined {
  const state = readState(name, runDirectory)
  if (state === undefined) return undefined
  return { ...state, isAlive: isSameProcess(state.pid, state.processStart) }
}

/**
 * Starts it unless it runs already; either way its state is answered, and it is wanted from now on.
 * Detached, in a process group of its own; output is appended to `logPath`. Throws ShopError
 * `data_unreadable`, also when the command cannot be started.
 */
export function startProcess(spec: ProcessSpec, runDirectory: string): Promise<Inspected> {
  return withLock(spec.name, runDirectory, () => {
    const before = inspect(spec.name, runDirectory)
    if (before?.isAlive) {
      if (!before.isWanted) writeState(runDirectory, { ...before, isWanted: true })
      return { ...before, isWanted: true }
    }
    return launch(spec, runDirectory, 0, before)
  })
}

/**
 * For watchers: ends what is left of the process that was `seen`, and starts it again. Undefined,
 * and nothing done, if another was faster or it is not wanted any more. Throws as startProcess.
 */
export function restartProcess(
  spec: ProcessSpec,
  runDirectory: string,
  seen: ProcessState,
): Promise<Inspected | undefined> {
  return withLock(spec.name, runDirectory, async () => {
    const before = inspect(spec.name, runDirectory)
    if (before === undefined || !before.isWanted) return undefined
    if (before.pid !== seen.pid || before.processStart !== seen.processStart) return undefined
    await killGroup(before)
    return launch(spec, runDirectory, before.restarts + 1, before)
  })
}

/**
 * Asks it to end by `signal`, and SIGKILL to its whole group after `withinMs`. False if it did not
 * run; what is left of its group ends all the same. No watcher starts it again. Throws ShopError
 * `unavailable` if not even SIGKILL ends it.
 */
export async function stopProcess(
  name: string,
  runDirectory: string,
  withinMs: number,
  signal: StopSignal = 'SIGTERM',
): Promise<boolean> {
  const state = await withLock(name, runDirectory, () => {
    const before = inspect(name, runDirectory)
    if (before !== undefined) writeState(runDirectory, { ...before, isWanted: false })
    return before
  })
  if (state === undefined) return false
  if (state.isAlive) {
    signalTo(state.pid, signal)
    // One that is stopped hears it only when it goes on.
    signalTo(state.pid, 'SIGCONT')
    await untilEnded(state, withinMs)
  }
  await killGroup(state)
  return state.isAlive
}

/** Sends a signal to the process itself; false if it does not run. It stays wanted. */
export function signalProcess(name: string, runDirectory: string, signal: NodeJS.Signals): boolean {
  const state = inspect(name, runDirectory)
  return state?.isAlive === true && signalTo(state.pid, signal)
}

async function launch(
  spec: ProcessSpec,
  runDirectory: string,
  restarts: number,
  before: ProcessState | undefined,
): Promise<Inspected> {
  if (before !== undefined) await killGroup(before)
  const output = openLog(spec)
  const [shell, ...gateArguments] = gate
  const child = spawn(shell, [...gateArguments, ...spec.command], {
    cwd: spec.cwd,
    env: { ...inheritableEnvironment(), ...spec.env },
    detached: true,
    stdio: ['pipe', output, output],
  })
  closeSync(output)
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve)
    child.once('error', (error) => reject(unusable(spec, error)))
  })
  const state: ProcessState = {
    name: spec.name,
    pid: child.pid!,
    processStart: processStart(child.pid!) ?? '',
    restarts,
    since: systemClock.wallTime(),
    isWanted: true,
  }
  child.unref()
  child.stdin!.on('error', () => {})
  try {
    writeState(runDirectory, state)
    child.stdin!.end('go\n')
  } finally {
    child.stdin!.end()
  }
  return { ...state, isAlive: true }
}

function openLog(spec: ProcessSpec): number {
  try {
    mkdirSync(dirname(spec.logPath), { recursive: true })
    return openSync(spec.logPath, 'a')
  } catch (error) {
    throw unusable(spec, error)
  }
}

/**
 * Ends the process and whatever is left of its group: workers whose master was killed go on, and
 * hold its port. A pid or a group that is a stranger's now is left alone.
 */
async function killGroup(state: ProcessState): Promise<void> {
  const start = processStart(state.pid)
  if (start !== undefined && start !== state.processStart) return
  const giveUpAt = systemClock.now() + killWithinMs
  while (isGroupAlive(state.pid, state.processStart) && systemClock.now() < giveUpAt) {
    signalTo(-state.pid, 'SIGKILL')
    await systemClock.sleep(lookEveryMs)
  }
  if (isSameProcess(state.pid, state.processStart)) {
    throw new ShopError(
      'unavailable',
      `Process ${state.pid} (${state.name}) does not end, not even by SIGKILL: it hangs in the ` +
        'kernel, perhaps on its disk. Look at the machine.',
    )
  }
}

async function untilEnded(state: ProcessState, withinMs: number): Promise<void> {
  const giveUpAt = systemClock.now() + withinMs
  while (isSameProcess(state.pid, state.processStart) && systemClock.now() < giveUpAt) {
    await systemClock.sleep(lookEveryMs)
  }
}

/** False if there is none. */
function signalTo(pid: number, signal: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
    throw error
  }
}

/** One at a time for each name, on this machine; the lock of one who dies is free at once. */
async function withLock<T>(
  name: string,
  runDirectory: string,
  work: () => T | Promise<T>,
): Promise<T> {
  const directory = join(runDirectory, `${name}.lock`)
  mkdirSync(directory, { recursive: true })
  const giveUpAt = systemClock.now() + lockWithinMs
  for (;;) {
    try {
      const lock = lockDirectory(directory)
      try {
        return await work()
      } finally {
        lock.release()
      }
    } catch (error) {
      const isTaken = error instanceof ShopError && error.code === 'data_locked'
      if (!isTaken || systemClock.now() >= giveUpAt) throw error
      await systemClock.sleep(lookEveryMs)
    }
  }
}

const unusable = (spec: ProcessSpec, error: unknown) =>
  new ShopError(
    'data_unreadable',
    `${spec.name} cannot be started (${spec.command[0]} in ${spec.cwd}, output to ` +
      `${spec.logPath}): ${(error as Error).message}.`,
    error,
  )
