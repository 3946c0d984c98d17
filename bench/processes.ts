/** How a command of this folder ends when it is told to: what it has started ends with it. */
import { exitCodes } from '../lib/runtime/lifecycle.ts'

const underWay = new Set<Promise<unknown>>()

/** What must not end half way; it has a time limit of its own. */
export function uninterrupted<T>(work: Promise<T>): Promise<T> {
  underWay.add(work)
  return work.finally(() => underWay.delete(work))
}

/** Turns signals into an exit, so that the handlers of `exit` run (shop-under-test.ts has some). */
export function exitOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void exitWith(exitCodes[signal]))
  }
}

async function exitWith(code: number): Promise<void> {
  await Promise.allSettled(underWay)
  process.exit(code)
}
