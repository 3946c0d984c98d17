/** What processes have used, as Linux tells it in /proc (proc(5)); elsewhere nothing is known. */
import { readFileSync } from 'node:fs'

export interface Usage {
  /** User and system time. */
  readonly cpuMs: number
  /** Memory of its own: no files that are mapped, as LMDB maps the data. */
  readonly ownBytes: number
  /** What was given to files and sockets. */
  readonly writtenBytes: number
}

/** Linux counts in hundredths of a second, whatever the kernel's own tick is. */
const msPerTick = 10
/** Fields after the name in parentheses: the 14th and 15th of all. */
const userField = 11
const systemField = 12

/** Of this process alone; undefined where the process or /proc is not there. */
export function usageOf(pid: number): Usage | undefined {
  const file = (name: string) => readFileSync(`/proc/${pid}/${name}`, 'utf8')
  try {
    return parseUsage(file('stat'), file('status'), file('io'))
  } catch {
    return undefined
  }
}

/** Of these processes and those that they have started; undefined if none can be asked. */
export function usageOfAll(pids: readonly number[]): Usage | undefined {
  const known = pids
    .flatMap(withDescendants)
    .map(usageOf)
    .filter((each) => each !== undefined)
  if (known.length === 0) return undefined
  return known.reduce((one, other) => ({
    cpuMs: one.cpuMs + other.cpuMs,
    ownBytes: one.ownBytes + other.ownBytes,
    writtenBytes: one.writtenBytes + other.writtenBytes,
  }))
}

function withDescendants(pid: number): readonly number[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    const each = children === '' ? [] : children.split(' ').map(Number)
    return [pid, ...each.flatMap(withDescendants)]
  } catch {
    return [pid]
  }
}

/** From the text of /proc/PID/stat, /proc/PID/status and /proc/PID/io. */
export function parseUsage(stat: string, status: string, io: string): Usage {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[userField]) + Number(fields[systemField])
  const kilobytes = Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
  const writtenBytes = Number(/^wchar: (\d+)$/m.exec(io)?.[1] ?? 0)
  return { cpuMs: ticks * msPerTick, ownBytes: kilobytes * 1_024, writtenBytes }
}
