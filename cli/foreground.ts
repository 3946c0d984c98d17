/**
 * The whole shop in this process, until a signal or a failure ends it. What it is made of:
 * embedded-shop.ts; how it starts and stops: lib/runtime/lifecycle.ts.
 */
import { flushCompileCache } from 'node:module'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Config, variantOf } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { createLifecycle, type Part, runProcess } from '../lib/runtime/lifecycle.ts'
import { createLog, type Log } from '../lib/runtime/log.ts'
import { processStart } from '../lib/runtime/process-identity.ts'
import { type EmbeddedShop, openEmbeddedShop } from './embedded-shop.ts'
import { greeting } from './greeting.ts'
import { readableLine } from './log-lines.ts'
import { processHost } from './process-host.ts'
import { type RunFile, removeRunFile, writeRunFile } from './run-file.ts'
import { coloursOn, say } from './terminal.ts'

/** Beyond draining, for databases to be closed. */
const closeWithinMs = 10_000

/** Resolves when the shop is open, or the process has been told to end. */
export async function runHere(config: Config): Promise<void> {
  const log = openLog(config)
  const lifecycle = createLifecycle({ log, clock: systemClock })
  let shop: EmbeddedShop | undefined
  lifecycle.add({
    name: 'run file',
    start: () => ({ stop: () => removeRunFile(config.data, process.pid) }),
    stopWithinMs: closeWithinMs,
  })
  lifecycle.add({
    name: 'shop',
    async start() {
      const opened = await openEmbeddedShop({ config, log, onFailure: lifecycle.fail })
      shop = opened
      return { stop: () => opened.close() }
    },
    // Two servers drain, one after the other.
    stopWithinMs: 2 * config.drainMs + closeWithinMs,
  })
  lifecycle.add(announcement(config, () => shop!))
  await runProcess(lifecycle, { log: sentencesOnly(log), host: processHost() })
  // A process that is killed writes no cache at its end, and the next start would be a cold one.
  flushCompileCache()
}

/** The shop is open: others can find it, and people are told. */
function announcement(config: Config, opened: () => EmbeddedShop): Part {
  return {
    name: 'announcement',
    stopWithinMs: closeWithinMs,
    start() {
      const { port, internalPort } = opened()
      const run: RunFile = {
        pid: process.pid,
        processStart: processStart(process.pid) ?? '',
        state: 'running',
        host: config.host,
        port,
        internalHost: config.internalHost,
        internalPort,
        variant: variantOf(config),
        startedAt: systemClock.wallTime(),
      }
      writeRunFile(config.data, run)
      say(greeting(run, config.data))
      return { stop: () => writeRunFile(config.data, { ...run, state: 'stopping' }) }
    },
  }
}

function openLog({ logLevel }: Config): Log {
  if (!process.stderr.isTTY) return createLog(logLevel)
  const colours = coloursOn(process.stderr)
  const terminal = (line: string) =>
    process.stderr.write(`${readableLine(line.trimEnd(), colours)}\n`)
  return createLog(logLevel, { write: terminal })
}

/** An operating error is told once, as the sentence that runProcess prints; bugs keep a stack. */
const sentencesOnly = (log: Log): Log => ({
  ...log,
  fatal(message, fields) {
    if (!(fields?.error instanceof ShopError)) log.fatal(message, fields)
  },
})
