/**
 * How far a command is, on stderr so that stdout stays for answers: a bar on a terminal, otherwise
 * one line for each part that is done.
 */
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  /** What is being done now. */
  begin(part: string): void
  /** `part` is done and was worth `units`. */
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
  return {
    begin: (part) => drawn.update({ part }),
    done: (_part, units) => drawn.increment(units),
    end: () => drawn.stop(),
  }
}

function lines(): Progress {
  return {
    begin: () => {},
    done: (part, units) => void process.stderr.write(`${units} ${part}\n`),
    end: () => {},
  }
}
