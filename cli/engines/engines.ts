/** `./till engines install|status`: what --engines redis-kafka needs of this machine. */
import type { Command } from 'commander'
import { exitCodes } from '../failure.ts'
import { say } from '../print.ts'
import { installEngines, missingEngines } from './needed.ts'

const examples = `
Examples:
  ./till engines status     what is missing; exit code 1 if anything is
  ./till engines install    gets it: Debian packages (as root, or by sudo), Kafka's jars by Maven

Redis, nginx and a Java runtime are packages of the system; Kafka's jars go into ~/.cache/till.`

export function define(command: Command): void {
  command.addHelpText('after', examples)
  command
    .command('status')
    .description('What is there, and what is missing.')
    .action(async () => {
      const { packages, hasKafka } = await missingEngines()
      const missing = [...packages, ...(hasKafka ? [] : ["Kafka's jars"])]
      say(missing.length === 0 ? 'Everything is there.' : `Missing: ${missing.join(', ')}.`)
      if (missing.length > 0) process.exitCode = exitCodes.failed
    })
  command
    .command('install')
    .description('Gets what is missing, and says what it does.')
    .action(async () => {
      await installEngines(say)
      say('Everything is there.')
    })
}
