/**
 * `./till up`: reads the flags. The shop runs in this process (foreground.ts) or, with --detach, in
 * another (detach.ts); only what is asked for is loaded.
 */
import { type Command, Option } from 'commander'
import { isGiven, readConfig } from '../lib/runtime/config.ts'
import { type Size, sizeNames } from '../lib/runtime/topology.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { greeting } from './greeting.ts'
import { addSettingFlags, overridesOf, settingsHelp } from './settings-flags.ts'
import { say } from './terminal.ts'

const examples = `
Examples:
  ./till up                                    2pc/order on http://localhost:8000
  ./till up --variant saga/orchestrator        another variant; open transactions keep theirs
  ./till up --port 0 --data /tmp/shop          any free port, data of its own
  ./till up --engines redis-kafka              every service, Redis, Kafka, nginx a process
  ./till up --detach                           in the background, log in <data>/till.log
  CHECKOUT_DEADLINE_MS=2000 ./till up          any other setting, from the environment

Ctrl-C and SIGTERM let requests under way end and stop in order; a second one stops a shop in one
process at once.
`

type Flags = { detach?: true; engines?: string; size?: Size; links?: true } & Parameters<
  typeof overridesOf
>[0]

export function define(command: Command): void {
  addSettingFlags(command)
  command
    .addOption(
      new Option('--engines <names>', 'what the shop stands on')
        .choices(['embedded', 'redis-kafka'])
        .default('embedded'),
    )
    .addOption(new Option('--size <name>', 'of a shop on redis-kafka').choices([...sizeNames]))
    .option('--links', 'redis-kafka: each service has links of its own, which ./till kill can cut')
    .option('--detach', 'start in the background; returns when the shop answers')
    .addHelpText('after', () => `${examples}\n${settingsHelp()}`)
    .action(async ({ detach, engines, size, links, ...flags }: Flags) => {
      const overrides = overridesOf(flags)
      const config = readConfig(overrides)
      requireFlagsInPlace({ engines, size, links, ...flags })
      if (engines === 'redis-kafka') {
        const { upEngines } = await import('./engines/up-engines.ts')
        // Only what was given: the size knows better than a setting's default.
        const partitions = isGiven('partitions', overrides) ? config.partitions : undefined
        await upEngines({
          config,
          size,
          partitions,
          links: links === true,
          detach: detach === true,
        })
      } else if (detach) {
        const { startDetached } = await import('./detach.ts')
        say(greeting(await startDetached(config, overrides), config.data))
      } else {
        const { runHere } = await import('./foreground.ts')
        await runHere(config)
      }
    })
}

/** A flag that would do nothing is a misunderstanding. Throws CommandFailure. */
function requireFlagsInPlace({ engines, size, links, internalPort }: Flags): void {
  const ofProcesses = [...(size ? ['--size'] : []), ...(links ? ['--links'] : [])]
  if (engines !== 'redis-kafka' && ofProcesses.length > 0) {
    throw new CommandFailure(
      `${ofProcesses.join(' and ')}: for a shop of processes only. Add --engines redis-kafka.`,
      exitCodes.usage,
    )
  }
  if (engines === 'redis-kafka' && internalPort !== undefined) {
    throw new CommandFailure(
      '--internal-port: each of many processes has one of its own, which ./till status names. ' +
        'Leave it out with --engines redis-kafka.',
      exitCodes.usage,
    )
  }
}
