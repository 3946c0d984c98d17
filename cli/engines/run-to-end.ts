/** A program that is run for its result, by who must know that nothing of it is left. */
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface RunOptions {
  /** ms; then it is killed. */
  readonly timeout: number
  /** Undefined: that of this process. */
  readonly env?: Readonly<Record<string, string>>
  /** Kills it. */
  readonly signal?: AbortSignal | undefined
}

/** Rejects as `execFile` does where it fails; either way the process has ended. */
export async function runToEnd(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<void> {
  const running = run(file, args, { ...options, killSignal: 'SIGKILL' })
  const { child } = running
  const hasEnded = () => child.pid === undefined || child.exitCode !== null || child.signalCode
  try {
    await running
  } finally {
    // An abort is told at once.
    if (!hasEnded()) await once(child, 'exit')
  }
}
