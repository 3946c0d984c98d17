/**
 * Which process a pid means: numbers are used again, so a pid alone may point to a stranger. A
 * process is known by its pid and the moment it began, in whatever words the system has for it.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** Fields of /proc/PID/stat after the name in parentheses (proc(5)): the 3rd, 5th and 22nd. */
const stateField = 0
const groupField = 2
const startField = 19

/**
 * When the process began, as text that no other process of this pid has; undefined when there is
 * none, or when it has ended and only waits for its parent to look.
 */
export function processStart(pid: number): string | undefined {
  return process.platform === 'linux' ? linuxStart(pid) : psStart(pid)
}

/** Whether the process that had this pid and start is still there. */
export const isSameProcess = (pid: number, start: string): boolean => processStart(pid) === start

/**
 * Whether anyone still runs of the group that was made by the process of this pid and start. A
 * signal would be no answer: it reaches the ended too, for as long as their parent has not looked.
 * A group of another boot, or with a member that is older than that process, is a stranger's.
 */
export function isGroupAlive(leader: number, start: string): boolean {
  const starts = process.platform === 'linux' ? linuxGroup(leader) : psGroup(leader)
  return starts.length > 0 && starts.every((each) => isNotBefore(each, start))
}

/** Of two starts as `processStart` says them. */
function isNotBefore(start: string, other: string): boolean {
  if (process.platform !== 'linux') return Date.parse(start) >= Date.parse(other)
  const [boot, ticks] = start.split('/')
  const [otherBoot, otherTicks] = other.split('/')
  return boot === otherBoot && Number(ticks) >= Number(otherTicks)
}

/** The starts of all members that have not ended. */
function linuxGroup(group: number): readonly string[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return []
    const fields = linuxFields(Number(name))
    if (fields?.[groupField] !== String(group)) return []
    return startOf(fields) ?? []
  })
}

/** Undefined for one that has ended. */
function linuxFields(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const state = fields[stateField]
    return state === 'Z' || state === 'X' ? undefined : fields
  } catch {
    return undefined
  }
}

function linuxStart(pid: number): string | undefined {
  const fields = linuxFields(pid)
  return fields === undefined ? undefined : startOf(fields)
}

function startOf(fields: readonly string[]): string | undefined {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot}/${fields[startField]}`
  } catch {
    return undefined
  }
}

function psStart(pid: number): string | undefined {
  try {
    const command = ['-o', 'stat=,lstart=', '-p', String(pid)]
    const [state = 'Z', ...start] = execFileSync('ps', command, {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
      .trim()
      .split(/\s+/)
    return state.startsWith('Z') ? undefined : start.join(' ')
  } catch {
    return undefined
  }
}

/** The starts of all members that have not ended. */
function psGroup(group: number): readonly string[] {
  const command = ['-A', '-o', 'stat=,pgid=,lstart=']
  const lines = execFileSync('ps', command, { encoding: 'utf8' }).split('\n')
  return lines
    .map((line) => line.trim().split(/\s+/))
    .flatMap(([state, of, ...start]) =>
      state?.startsWith('Z') || Number(of) !== group ? [] : [start.join(' ')],
    )
}
