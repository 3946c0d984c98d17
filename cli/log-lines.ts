/** Log lines as people read them on a terminal; elsewhere they are JSON (lib/runtime/log.ts). */
import type { Colours } from './terminal.ts'

interface Line {
  readonly level?: string
  readonly time?: string
  readonly msg?: string
  readonly [field: string]: unknown
}

const colourOf: Readonly<Record<string, 'red' | 'yellow'>> = {
  fatal: 'red',
  error: 'red',
  warn: 'yellow',
}

/** `12:03:04 warn  messages not handled topic=stock`; what is not a log line stays as it is. */
export function readableLine(text: string, colours: Colours): string {
  let line: Line
  try {
    line = JSON.parse(text)
  } catch {
    return text
  }
  if (typeof line !== 'object' || line === null || line.level === undefined) return text
  const { level, time, msg, ...fields } = line
  const colour = colours[colourOf[level] ?? 'dim']
  const clock = typeof time === 'string' ? time.slice(11, 19) : ''
  const rest = Object.entries(fields).map(([name, value]) => ` ${name}=${shown(value)}`)
  return `${clock} ${colour(level.padEnd(5))} ${msg ?? ''}${rest.join('')}`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return /\s/.test(value) ? JSON.stringify(value) : value
  return JSON.stringify(value)
}
