/**
 * ./till, from the command line to the command's own file (commands.ts is the table of them).
 *
 * Promise: what was asked for goes to stdout, everything else to stderr; an expected failure is one
 * sentence that says what to do and a non-zero exit code, never a stack.
 */
import { Command, CommanderError } from 'commander'
import { ShopError } from '../lib/runtime/errors.ts'
import { commands } from './commands.ts'
import { CommandFailure, exitCodes } from './failure.ts'

const examples = `
Examples:
  ./till up                              start the shop on http://localhost:8000
  ./till up --variant saga/orchestrator  the same under another protocol and coordinator
  ./till up --detach                     in the background; ./till down stops it
  ./till init --items 1000               fill it
  ./till transactions --open             what is under way, and what it waits for

./till COMMAND --help says more of each.`

async function createProgram(words: readonly string[]): Promise<Command> {
  const program = new Command('till')
    .description('A webshop whose checkout stays correct while any part of it is being killed.')
    .showHelpAfterError('Run ./till --help, or ./till COMMAND --help, to see what there is.')
    .addHelpText('after', examples)
    .exitOverride()
  for (const { name, summary, load } of commands) {
    const command = program
      .command(name)
      .summary(summary)
      .description(`${capital(summary)}.`)
    if (words.includes(name)) (await load()).define(command)
  }
  return program
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

/** The exit code of a failure that is a sentence; undefined for a bug, whose stack is wanted. */
function told(error: unknown): number | undefined {
  if (error instanceof CommanderError) {
    // It has been printed; help that was asked for is not a failure.
    return error.exitCode === 0 ? 0 : exitCodes.usage
  }
  if (error instanceof CommandFailure) {
    process.stderr.write(`till: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof ShopError) {
    process.stderr.write(`till: ${error.message}\n`)
    return exitCodes.failed
  }
  return undefined
}

// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

const words = process.argv.slice(2)
try {
  const program = await createProgram(words)
  if (words.length === 0) program.outputHelp()
  else await program.parseAsync(words, { from: 'user' })
} catch (error) {
  const code = told(error)
  if (code === undefined) throw error
  process.exitCode = code
}
