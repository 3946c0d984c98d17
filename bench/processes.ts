/** How a command of this folder ends when it is told to: what it has started ends with it. */
import { exitCodes } from '../lib/runtime/lifecycle.ts'

/** Turns signals into an exit, so that the handlers of `exit` run (shop-under-test.ts has some). */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => process.exit(exitCodes[signal]))
  }
}
