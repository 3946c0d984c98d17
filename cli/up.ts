/**
 * `./till up`: the whole shop in this process, until a signal or a failure ends it. With --detach
 * another process does that (detach.ts). What the shop is made of: embedded-shop.ts.
 */
import { flushCompileCache } from 'node:module'
import type { Command } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Config, readConfig } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { createLifecycle, type Part, runProcess } from '../lib/runtime/lifecycle.ts'
import { createLog, type Log } from '../lib/runtime/log.ts'
import { startDetached } from './detach.ts'
import { type EmbeddedShop, openEmbeddedShop } from './embedded-shop.ts'
import { greeting } from './greeting.ts'
import { readableLine } from './log-lines.ts'
import { processHost } from './process-host.ts'
import { processStart } from './process-identity.ts'
import { type RunFile, removeRunFile, writeRunFile } from './run-file.ts'
import { addSettingFlags, overridesOf, settingsHelp, variantOf } from './settings-flags.ts'
import { say } from './terminal.ts'

const examples = `
Examples:
  ./till up                                    2pc/order on http://localhost:8000
  ./till up --variant saga/orchestrator        another variant; open transactions keep theirs
  ./till up --port 0 --data /tmp/shop          any free port, data of its own
  ./till up --detach                           in the background, log in <data>/till.log
  CHECKOUT_DEADLINE_MS=2000 ./till up          any other setting, from the environment

Ctrl-C and SIGTERM let requests under way end and stop in order; a second one stops at once.
`

/** Beyond draining, for databases to be closed. */
const closeWithinMs = 10_000

export function define(command: Command): void {
  addSettingFlags(command)
  command
    .option('--detach', 'start in the background; returns when the shop answers')
    .addHelpText('after', () => `${examples}\n${settingsHelp()}`)
    .action(async ({ detach, ...flags }: { detach?: true } & Record<string, string>) => {
      const overrides = overridesOf(flags)
      const config = readConfig(overrides)
      if (detach) say(greeting(await startDetached(config, overrides), config.data))
      else await runHere(config)
    })
}

async function runHere(config: Config): Promise<void> {
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
  const terminal = (line: string) => process.stderr.write(`${readableLine(line.trimEnd())}\n`)
  return createLog(logLevel, { write: terminal })
}

/** An operating error is told once, as the sentence that runProcess prints; bugs keep their stack. */
const sentencesOnly = (log: Log): Log => ({
  ...log,
  fatal(message, fields) {
    if (!(fields?.error instanceof ShopError)) log.fatal(message, fields)
  },
})
