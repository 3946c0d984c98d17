/**
 * A watchdog as a process: `node watchdog/main.ts`, its settings in the environment. Any number of
 * them may watch the same shop. On its internal port: /live, /ready and /metrics.
 */
import { join } from 'node:path'
import { systemClock } from '../lib/runtime/clock.ts'
import { type Config, readConfig } from '../lib/runtime/config.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { healthRoutes } from '../lib/runtime/health.ts'
import { createHttpServer } from '../lib/runtime/http.ts'
import { createLifecycle, exitCodes, runProcess } from '../lib/runtime/lifecycle.ts'
import { createLog, type Log } from '../lib/runtime/log.ts'
import { metricsRoute } from '../lib/runtime/metrics.ts'
import { systemRandom } from '../lib/runtime/random.ts'
import type { Driver } from './driver.ts'
import { limitsOf } from './limits.ts'
import { processDriver } from './process-driver.ts'
import { WatchCounters } from './watch-counters.ts'
import { Watchdog } from './watchdog.ts'

const closeWithinMs = 10_000

async function driverOf(config: Config, log: Log): Promise<Driver> {
  const { data, instance: self, watchdogProbeMs: probeWithinMs } = config
  const shared = { clock: systemClock, log, probeWithinMs }
  if (config.watchdogDriver === 'docker') {
    const labels = config.watchdogLabels.split(',')
    // The client of the Docker engine is larger than all the rest.
    const { dockerDriver } = await import('./docker-driver.ts')
    return dockerDriver({ ...shared, dockerHost: config.dockerHost, labels })
  }
  const topologyPath = config.watchdogTopology || join(data, 'topology.json')
  const runDirectory = config.watchdogRun || join(data, 'run')
  return processDriver({ ...shared, topologyPath, runDirectory, self })
}

async function run(config: Config): Promise<void> {
  const log = createLog(config.logLevel).child({ service: 'watchdog', instance: config.instance })
  const lifecycle = createLifecycle({ log, clock: systemClock })
  const counters = new WatchCounters()
  lifecycle.add({
    name: 'internal server',
    stopWithinMs: config.drainMs + closeWithinMs,
    async start() {
      const routes = [...healthRoutes(() => []), metricsRoute(() => counters.metrics)]
      const settings = { host: 'INTERNAL_HOST', port: 'INTERNAL_PORT' }
      const server = createHttpServer({ config, log, clock: systemClock, routes, settings })
      const { port } = await server.listen(config.internalHost, config.internalPort)
      log.info('Serving', { internalPort: port, pid: process.pid })
      return { stop: () => server.close() }
    },
  })
  lifecycle.add({
    name: 'watchdog',
    stopWithinMs: closeWithinMs,
    async start() {
      const watchdog = new Watchdog({
        driver: await driverOf(config, log),
        clock: systemClock,
        random: systemRandom,
        log,
        limits: limitsOf(config),
        lookEveryMs: config.watchdogLookMs,
        probeEveryMs: config.watchdogProbeMs,
        counters,
      })
      watchdog.start()
      return { stop: () => watchdog.stop() }
    },
  })
  await runProcess(lifecycle, { log })
}

try {
  await run(readConfig())
} catch (error) {
  if (!(error instanceof ShopError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exitCode = exitCodes.failed
}
