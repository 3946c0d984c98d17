/** `./till logs NAME`: the last lines that one process of a shop of processes has written. */
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { specOf } from './kill.ts'
import { lastLines, linesFrom } from './log-file.ts'
import { readableLine } from './log-lines.ts'
import { addDataFlag } from './settings-flags.ts'
import { colours, say } from './terminal.ts'

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
      const tell = (line: string) => say(readableLine(line, colours))
      const last = lastLines(logPath, lines)
      for (const line of last.lines) tell(line)
      if (!follow) return
      for (let at = last.end; ; await systemClock.sleep(lookEveryMs)) {
        at = await linesFrom(logPath, at, tell)
      }
    })
}

interface Flags {
  readonly data?: string
  readonly lines: number
  readonly follow?: true
}

function whole(text: string): number {
  const value = Number(text)
  if (/^\d{1,6}$/.test(text)) return value
  throw new InvalidArgumentError('It must be a whole number, in digits only.')
}
