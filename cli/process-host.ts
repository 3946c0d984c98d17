/**
 * The process as lib/runtime/lifecycle.ts sees it, on a terminal: one Ctrl-C under `npm start`
 * comes twice (from the terminal, and again from npm), and must not count as the second one.
 */
import { systemClock } from '../lib/runtime/clock.ts'
import type { Host } from '../lib/runtime/lifecycle.ts'

/** The same signal again within this time is the same wish. */
export const echoMs = 300

/** Whether a signal is one's own echo; `now` in ms. */
export function createEchoFilter(): (signal: string, now: number) => boolean {
  const heardAt = new Map<string, number>()
  return (signal, now) => {
    const before = heardAt.get(signal)
    if (before !== undefined && now - before < echoMs) return true
    heardAt.set(signal, now)
    return false
  }
}

export function processHost(): Host {
  const isEcho = createEchoFilter()
  return {
    on(event, run) {
      const isSignal = event === 'SIGINT' || event === 'SIGTERM'
      return process.on(event, (what: unknown) => {
        if (isSignal && isEcho(event, systemClock.now())) return
        run(what)
      })
    },
    exit: (code) => process.exit(code),
    endsWith(code) {
      process.exitCode = code
    },
    print: (sentence) => void process.stderr.write(`till: ${sentence}\n`),
  }
}
