/** How far a run is, on stderr: a bar on a terminal, elsewhere one line for each part of it. */
import { Presets, SingleBar } from 'cli-progress'

export interface Progress {
  /** What is being done, and the share of it that is done, 0 to 1. */
  show(part: string, share: number): void
  /** Takes the bar away. */
  end(): void
}

export function openProgress(name: string): Progress {
  return process.stderr.isTTY ? bar(name) : lines(name)
}

const whole = 100

function bar(name: string): Progress {
  const drawn = new SingleBar(
    { format: `${name}  {bar} {percentage} %  {part}`, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  )
  drawn.start(whole, 0, { part: '' })
  return {
    show: (part, share) => drawn.update(Math.floor(share * whole), { part }),
    end: () => drawn.stop(),
  }
}

function lines(name: string): Progress {
  let last = ''
  return {
    show(part) {
      if (part !== last) process.stderr.write(`${name}  ${part}\n`)
      last = part
    },
    end: () => {},
  }
}
