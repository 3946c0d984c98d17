/**
 * Watches the processes of a topology file on this machine. The file is read again when it changes;
 * of its processes those are watched that were started and not stopped on purpose.
 */
import { statSync } from 'node:fs'
import type { Clock } from '../lib/runtime/clock.ts'
import type { Driver, Found } from './driver.ts'
import { type ProbeResult, probe } from './probe.ts'
import { type ProcessSpec, readTopology } from './process-spec.ts'
import { readState } from './process-state.ts'
import { inspect, restartProcess } from './processes.ts'

export interface ProcessDriverOptions {
  readonly topologyPath: string
  readonly runDirectory: string
  /** The watcher's own name in the topology; empty if it has none. */
  readonly self: string
  readonly clock: Clock
  readonly probeWithinMs: number
}

export function processDriver(options: ProcessDriverOptions): Driver {
  const { topologyPath, runDirectory, self, clock, probeWithinMs } = options
  let read = { version: '', specs: new Map<string, ProcessSpec>() }

  function specs(): ReadonlyMap<string, ProcessSpec> {
    const { mtimeMs, size, ino } = statSync(topologyPath)
    const version = `${ino} ${mtimeMs} ${size}`
    if (read.version !== version) {
      read = {
        version,
        specs: new Map(readTopology(topologyPath).map((spec) => [spec.name, spec])),
      }
    }
    return read.specs
  }

  return {
    fewestMsBetweenLooks: 0,
    async look() {
      return [...specs().values()].flatMap(({ name, kind }) => {
        const state = name === self ? undefined : inspect(name, runDirectory)
        if (state === undefined || !state.isWanted) return []
        return [{ name, kind, identity: identityOf(state), isAlive: state.isAlive }]
      })
    },
    async ask({ name }): Promise<ProbeResult> {
      const spec = specs().get(name)
      if (spec === undefined) return { health: 'well', detail: 'is not in the topology any more' }
      return probe(spec.probe, { clock, withinMs: probeWithinMs })
    },
    async restart({ name, identity }: Found): Promise<boolean> {
      const spec = specs().get(name)
      const state = readState(name, runDirectory)
      if (spec === undefined || state === undefined || identityOf(state) !== identity) return false
      return (await restartProcess(spec, runDirectory, state)) !== undefined
    },
    async close() {},
  }
}

const identityOf = ({ pid, processStart }: { pid: number; processStart: string }) =>
  `${pid} ${processStart}`
