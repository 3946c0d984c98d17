/** `./till status` of a shop of processes: one row for each, each asked whether it is well. */
import { systemClock } from '../../lib/runtime/clock.ts'
import { probe } from '../../watchdog/probe.ts'
import type { ProcessSpec } from '../../watchdog/process-spec.ts'
import { inspect } from '../../watchdog/processes.ts'
import { exitCodes } from '../failure.ts'
import { duration, say, sayJson, table } from '../print.ts'
import { runDirectory, specsOf } from './running-specs.ts'

const answerWithinMs = 2_000

interface Row {
  readonly name: string
  readonly kind: string
  /** Null, like `since`, of one that was never started. */
  readonly pid: number | null
  readonly port: number
  readonly state: 'running' | 'not answering' | 'ended' | 'not started'
  readonly restarts: number
  /** ISO 8601. */
  readonly since: string | null
}

async function rowOf(spec: ProcessSpec, data: string): Promise<Row> {
  const found = inspect(spec.name, runDirectory(data))
  const isAlive = found?.isAlive === true
  const answer = isAlive
    ? await probe(spec.probe, { clock: systemClock, withinMs: answerWithinMs })
    : undefined
  const alive = answer?.health === 'well' ? 'running' : 'not answering'
  return {
    name: spec.name,
    kind: spec.kind,
    pid: found?.pid ?? null,
    port: portOf(spec),
    state: isAlive ? alive : found === undefined ? 'not started' : 'ended',
    restarts: found?.restarts ?? 0,
    since: found === undefined ? null : new Date(found.since).toISOString(),
  }
}

/** Of a service its internal port: the public one belongs to the gateway. */
function portOf({ probe }: ProcessSpec): number {
  if (probe.kind === 'http') return Number(new URL(probe.url).port)
  return probe.kind === 'none' ? 0 : probe.port
}

export async function showProcesses(data: string, isJson: boolean): Promise<void> {
  const rows = await Promise.all(specsOf(data).map((spec) => rowOf(spec, data)))
  const now = systemClock.wallTime()
  const lines = rows.map(({ name, kind, pid, port, state, restarts, since }) => [
    ...[name, kind, `${pid ?? '-'}`, `${port}`, state, `${restarts}`],
    since === null ? '-' : duration(now - Date.parse(since)),
  ])
  const head = ['name', 'kind', 'pid', 'port', 'state', 'restarts', 'since']
  if (isJson) sayJson(rows)
  else say(table(head, lines))
  const isWell = rows.every(({ state }) => state === 'running')
  if (!isWell) process.exitCode = exitCodes.notAnswering
}
