/**
 * A service as a process of its own: its settings, its database, the bus, its two HTTP servers, and
 * how it starts and stops. order/main.ts and its siblings are one call of `runService`; the
 * embedded shop (cli/embedded-shop.ts) gives the same services other ports.
 *
 * Promise: it serves when recovery has begun; SIGTERM lets requests under way end, then lets go of
 * the bus, then closes the database; what is open then is driven on by who comes next. What cannot
 * be started is one sentence on stderr and exit code 1. Next: lib/runtime/lifecycle.ts.
 */
import { flushCompileCache } from 'node:module'
import type { Bus } from '../bus/bus.ts'
import { openBus } from '../bus/open.ts'
import { systemClock } from '../runtime/clock.ts'
import { type Config, readConfig } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { instanceName } from '../runtime/instance-name.ts'
import {
  createLifecycle,
  exitCodes,
  type Lifecycle,
  type Running,
  runProcess,
} from '../runtime/lifecycle.ts'
import { createLog, type Log } from '../runtime/log.ts'
import { systemRandom } from '../runtime/random.ts'
import type { Route } from '../runtime/route.ts'
import { openSpans, type Spans } from '../runtime/spans.ts'
import { openStorage } from '../storage/open.ts'
import type { Storage } from '../storage/storage.ts'
import {
  type OpenServer,
  openInternalServer,
  openPublicServer,
  serverClosesWithinMs,
} from './servers.ts'
import type { Service, ServicePorts } from './service.ts'
import { Vitals } from './vitals.ts'

export type CreateService = (ports: ServicePorts) => Service

/** Beyond draining, for the bus and the database to be let go of, each. */
const closeWithinMs = 10_000

/** Runs the service until a signal or a failure ends the process. */
export async function runService(name: Service['name'], create: CreateService): Promise<void> {
  const config = settingsOrEnd()
  if (config === undefined) return
  const log = createLog(config.logLevel).child({ service: name, instance: instanceName(config) })
  const lifecycle = createLifecycle({ log, clock: systemClock })
  addParts(lifecycle, { name, create, config, log })
  await runProcess(lifecycle, { log })
  // A process that is killed writes no cache at its end, and the next start would be a cold one.
  flushCompileCache()
}

/** Undefined where they are wrong: what is wrong has been said then, and the process ends. */
function settingsOrEnd(): Config | undefined {
  try {
    return readConfig()
  } catch (error) {
    if (!(error instanceof ShopError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = exitCodes.failed
    return undefined
  }
}

interface Made {
  readonly name: Service['name']
  readonly create: CreateService
  readonly config: Config
  readonly log: Log
}

/** In the order of their start; they stop in reverse. */
function addParts(lifecycle: Lifecycle, { name, create, config, log }: Made): void {
  const vitals = new Vitals()
  const serving = { config, log, clock: systemClock }
  const spans = openSpans({ ...serving, service: name })
  let internal: OpenServer
  let storage: Storage
  let bus: Bus
  let service: Service
  lifecycle.add({
    name: 'internal server',
    stopWithinMs: serverClosesWithinMs(config) + closeWithinMs,
    // First, so that who watches can tell a process that waits for its engines from a dead one.
    async start() {
      internal = await openInternalServer({ ...serving, routes: vitals.routes })
      return { stop: () => internal.close() }
    },
  })
  if (spans !== undefined) {
    vitals.addSpans(spans)
    lifecycle.add({ name: 'spans', stopWithinMs: closeWithinMs, start: () => stopping(spans) })
  }
  lifecycle.add({
    name: 'storage',
    stopWithinMs: closeWithinMs,
    async start() {
      const onFailure = (error: Error) => lifecycle.fail(error)
      storage = await openStorage({ config, name, log, onFailure })
      vitals.addStorage(name, storage)
      return { stop: () => storage.close() }
    },
  })
  lifecycle.add({
    name: 'bus',
    stopWithinMs: closeWithinMs,
    async start() {
      bus = await openBus({ config, log })
      vitals.addBus(bus)
      return { stop: () => bus.close() }
    },
  })
  lifecycle.add({
    name,
    stopWithinMs: closeWithinMs,
    async start() {
      service = create({ ...serving, storage, bus, random: systemRandom, ...(spans && { spans }) })
      await service.start()
      vitals.addService(service)
      return { stop: () => service.stop() }
    },
  })
  lifecycle.add({
    name: 'public server',
    stopWithinMs: serverClosesWithinMs(config) + closeWithinMs,
    async start() {
      const of = (wanted: Route['visibility']) =>
        service.routes.filter(({ visibility }) => visibility === wanted)
      internal.serve([...vitals.routes, ...of('internal')])
      const outer = await openPublicServer({ ...serving, routes: of('public') })
      vitals.serving()
      log.info('Serving', { port: outer.port, internalPort: internal.port, pid: process.pid })
      const stop = () => {
        vitals.stopping()
        return outer.close()
      }
      return { stop }
    },
  })
}

const stopping = (spans: Spans): Running => ({ stop: () => spans.close() })
