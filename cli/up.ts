/**
 * `./till up`: reads the flags. The shop runs in this process (foreground.ts) or, with --detach, in
 * another (detach.ts); only what is asked for is loaded.
 */
import type { Command } from 'commander'
import { readConfig } from '../lib/runtime/config.ts'
import { greeting } from './greeting.ts'
import { addSettingFlags, overridesOf, settingsHelp } from './settings-flags.ts'
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

export function define(command: Command): void {
  addSettingFlags(command)
  command
    .option('--detach', 'start in the background; returns when the shop answers')
    .addHelpText('after', () => `${examples}\n${settingsHelp()}`)
    .action(async ({ detach, ...flags }: { detach?: true } & Record<string, string>) => {
      const overrides = overridesOf(flags)
      const config = readConfig(overrides)
      if (detach) {
        const { startDetached } = await import('./detach.ts')
        say(greeting(await startDetached(config, overrides), config.data))
      } else {
        const { runHere } = await import('./foreground.ts')
        await runHere(config)
      }
    })
}
