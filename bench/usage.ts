/** What a process has used, as Linux tells it in /proc (proc(5)); elsewhere nothing is known. */
import { readFileSync } from 'node:fs'

export interface Usage {
  /** User and system time. */
  readonly cpuMs: number
  /** Memory that is resident now. */
  readonly rssBytes: number
}

/** Linux counts in hundredths of a second, whatever the kernel's own tick is. */
const msPerTick = 10
/** Fields after the name in parentheses: the 14th and 15th of all. */
const userField = 11
const systemField = 12

/** Undefined where the process or /proc is not there. */
export function usageOf(pid: number): Usage | undefined {
  try {
    return parseUsage(
      readFileSync(`/proc/${pid}/stat`, 'utf8'),
      readFileSync(`/proc/${pid}/status`, 'utf8'),
    )
  } catch {
    return undefined
  }
}

/** From the text of /proc/PID/stat and /proc/PID/status. */
export function parseUsage(stat: string, status: string): Usage {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const ticks = Number(fields[userField]) + Number(fields[systemField])
  const kilobytes = Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0)
  return { cpuMs: ticks * msPerTick, rssBytes: kilobytes * 1_024 }
}
