/** Which processes of a topology run. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type ProcessSpec, readTopology } from '../../watchdog/process-spec.ts'
import { inspect } from '../../watchdog/processes.ts'

export const topologyPath = (data: string) => join(data, 'topology.json')
export const runDirectory = (data: string) => join(data, 'run')

export const specsOf = (data: string): readonly ProcessSpec[] =>
  existsSync(topologyPath(data)) ? readTopology(topologyPath(data)) : []

export const runningPids = (data: string): readonly number[] =>
  specsOf(data).flatMap(({ name }) => {
    const found = inspect(name, runDirectory(data))
    return found?.isAlive === true ? [found.pid] : []
  })
