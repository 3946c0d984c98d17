/** The shop of processes that runs on a data directory, as the other commands find it. */
import type { TopologyService } from '../../lib/runtime/topology.ts'
import type { FoundShop } from '../shop-client.ts'
import { readEngineFile } from './engine-file.ts'
import { runningPids } from './running-specs.ts'
import { instancesOf } from './specs.ts'

/** Undefined where none of its processes runs. */
export function findEngineShop(data: string): FoundShop | undefined {
  const file = readEngineFile(data)
  const pids = runningPids(data)
  if (file === undefined || pids.length === 0) return undefined
  const { host, port, variant } = file
  const instances = instancesOf(file)
  const of = (service: TopologyService) =>
    instances
      .filter((each) => each.service === service)
      .map(({ internalPort }) => `http://127.0.0.1:${internalPort}`)
  const internal = {
    order: of('order'),
    payment: of('payment'),
    stock: of('stock'),
    orchestrator: of('orchestrator'),
  }
  return { host, port, variant, internal, pids }
}
