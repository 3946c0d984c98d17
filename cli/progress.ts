/**
 * How far a command is, on stderr so that stdout stays for answers: a bar on a terminal, otherwise
 * one line for each part that is done.
 */
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  /** What is being done now. */
  begin(part: string): void
  /** So much of the part under way is done. */
  advance(units: number): void
  /** `part` is done and was worth `units`, with those of `advance`. */
  done(part: string, units: number): void
  end(): void
}

export function openProgress(total: number): Progress {
  return process.stderr.isTTY ? bar(total) : lines()
}

function bar(total: number): Progress {
  const drawn = new SingleBar(
    { format: '{bar} {value}/{total} {part}', hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  )
  drawn.start(total, 0, { part: '' })
  let before = 0
  return {
    begin: (part) => drawn.update({ part }),
    advance: (units) => drawn.increment(units),
    done: (_part, units) => {
      before += units
      drawn.update(before)
    },
    end: () => drawn.stop(),
  }
}

function lines(): Progress {
  return {
    begin: () => {},
    advance: () => {},
    done: (part, units) => void process.stderr.write(`${units} ${part}\n`),
    end: () => {},
  }
}
