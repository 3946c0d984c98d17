/**
 * What people and machines read: tables, durations, JSON on stdout. What the start of the shop
 * needs is apart, in terminal.ts, because tables are slow to load.
 */
import Table from 'cli-table3'
import { colours, say } from './terminal.ts'

export { say } from './terminal.ts'

export const sayJson = (value: object): void => say(JSON.stringify(value, null, 2))

/** Columns under their names, without lines around them. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = ''
  const drawn = new Table({
    head: head.map((name) => colours.bold(name)),
    chars: {
      top: none,
      'top-mid': none,
      'top-left': none,
      'top-right': none,
      bottom: none,
      'bottom-mid': none,
      'bottom-left': none,
      'bottom-right': none,
      left: none,
      'left-mid': none,
      mid: none,
      'mid-mid': none,
      right: none,
      'right-mid': none,
      middle: '  ',
    },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  })
  for (const row of rows) drawn.push([...row])
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const units = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
] as const

/** A duration as people say it: 340 ms, 12.3 s, 4 min, 2 h, 3 d. */
export function duration(ms: number): string {
  for (const [name, length] of units) {
    if (ms >= length) return `${Math.floor(ms / length)} ${name}`
  }
  return ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`
}
