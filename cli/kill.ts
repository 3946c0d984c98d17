/** `./till kill NAME`: sends a signal to one process of a shop of processes. */
import { type Command, Option } from 'commander'
import { readConfig } from '../lib/runtime/config.ts'
import { signalProcess } from '../watchdog/processes.ts'
import { runDirectory, specsOf } from './engines/running-specs.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { say } from './print.ts'
import { addDataFlag } from './settings-flags.ts'

const examples = `
Examples:
  ./till kill stock                  kill -9; a watchdog starts it again
  ./till kill order-redis            its database too
  ./till kill kafka --signal STOP    it lives and answers nothing; a watchdog notices
  ./till kill kafka --signal CONT    it goes on, if no watchdog was faster

./till status names what there is. To stop all of it in order: ./till down.`

export function define(command: Command): void {
  addDataFlag(command)
  command
    .argument('<name>', 'as ./till status names it')
    .addOption(
      new Option('--signal <name>', 'what is sent')
        .choices(['KILL', 'STOP', 'CONT'])
        .default('KILL'),
    )
    .addHelpText('after', examples)
    .action((name: string, { data, signal }: { data?: string; signal: string }) => {
      const config = readConfig(data === undefined ? {} : { data })
      specOf(config.data, name)
      if (!signalProcess(name, runDirectory(config.data), `SIG${signal}` as NodeJS.Signals)) {
        throw new CommandFailure(`${name} does not run.`, exitCodes.notRunning)
      }
      say(`${name} got SIG${signal}.`)
    })
}

/** The spec of this name; throws CommandFailure that lists the names there are. */
export function specOf(data: string, name: string) {
  const specs = specsOf(data)
  const spec = specs.find((each) => each.name === name)
  if (spec !== undefined) return spec
  const names = specs.map((each) => each.name).join(', ')
  throw new CommandFailure(
    names === ''
      ? `No shop of processes on ${data}: ./till up --engines redis-kafka starts one.`
      : `There is no ${name} on ${data}. There are: ${names}.`,
    exitCodes.notRunning,
  )
}
