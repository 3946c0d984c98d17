/** `./till logs NAME`: the last lines that one process of a shop of processes has written. */
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { specOf } from './kill.ts'
import { readableLine } from './log-lines.ts'
import { say } from './print.ts'
import { addDataFlag } from './settings-flags.ts'

const examples = `
Examples:
  ./till logs stock                the last 50 lines
  ./till logs kafka --lines 200
  ./till logs watchdog-1 --follow  and whatever comes, until Ctrl-C`

const lookEveryMs = 200

export function define(command: Command): void {
  addDataFlag(command)
  command
    .argument('<name>', 'as ./till status names it')
    .option('--lines <number>', 'how many', whole, 50)
    .option('--follow', 'go on with what comes')
    .addHelpText('after', examples)
    .action(async (name: string, { data, lines, follow }: Flags) => {
      const config = readConfig(data === undefined ? {} : { data })
      const { logPath } = specOf(config.data, name)
      const text = existsSync(logPath) ? readFileSync(logPath, 'utf8') : ''
      for (const line of text.split('\n').slice(0, -1).slice(-lines)) say(readableLine(line))
      if (follow) await followFrom(logPath, Buffer.byteLength(text))
    })
}

interface Flags {
  readonly data?: string
  readonly lines: number
  readonly follow?: true
}

async function followFrom(path: string, from: number): Promise<never> {
  for (let at = from; ; await systemClock.sleep(lookEveryMs)) {
    const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    if (size < at) at = 0
    if (size === at) continue
    for await (const part of createReadStream(path, { start: at, end: size - 1 })) {
      process.stdout.write(part)
    }
    at = size
  }
}

function whole(text: string): number {
  const value = Number(text)
  if (/^\d{1,6}$/.test(text)) return value
  throw new InvalidArgumentError('It must be a whole number, in digits only.')
}
