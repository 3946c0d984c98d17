/**
 * Starts and stops the processes of a shop in order. Each is started as a watchdog would start it
 * again (watchdog/processes.ts), from the spec in `<data>/topology.json`.
 *
 * Promise: what runs already is left as it is, so that starting twice is starting once; a start
 * that fails stops what it had started. `stopAll` stops exactly what the topology names.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { networkInterfaces, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { nginxConf } from '../../gateway/nginx.ts'
import { systemClock } from '../../lib/runtime/clock.ts'
import { databaseName, serviceNames, sizes } from '../../lib/runtime/topology.ts'
import { probe } from '../../watchdog/probe.ts'
import { type ProcessKind, type ProcessSpec, writeTopology } from '../../watchdog/process-spec.ts'
import { inspect, startProcess, stopProcess } from '../../watchdog/processes.ts'
import { CommandFailure } from '../failure.ts'
import { brokerCommand, prepareBroker } from './kafka-broker.ts'
import { openapiText, publicRoutesByService } from './public-routes.ts'
import { redisConf } from './redis-conf.ts'
import { runDirectory, specsOf, topologyPath } from './running-specs.ts'
import {
  brokerPort,
  brokerSpec,
  controllerPort,
  databasePort,
  databaseSpecs,
  engineSettings,
  environmentOf,
  gatewaySpec,
  instancesOf,
  linkPort,
  linkSpecs,
  listenerPort,
  type PlanOptions,
  serviceSpecs,
  watchdogSpecs,
} from './specs.ts'

const healthyWithinMs = 60_000
const askWithinMs = 1_000
const askEveryMs = 50
const topicsWithinMs = 60_000
const stopWithinMs = 15_000

const run = promisify(execFile)

/** Told of each process that has become healthy. */
export type OnHealthy = (spec: ProcessSpec, ms: number) => void

/** Resolves when everything is healthy. Throws CommandFailure or ShopError; nothing runs then. */
export async function startAll(options: PlanOptions, onHealthy: OnHealthy): Promise<void> {
  const { data } = options
  try {
    const broker = brokerOptions(options)
    await writeFiles(options)
    const { file, args } = brokerCommand(broker)
    const plan = {
      engines: [...databaseSpecs(options), brokerSpec(options, [file, ...args])],
      links: linkSpecs(options),
      services: serviceSpecs(options),
      edge: [gatewaySpec(options), ...watchdogSpecs(options)],
    }
    writeTopology(topologyPath(data), Object.values(plan).flat())
    const [databases, brokers] = [plan.engines.slice(0, -1), plan.engines.slice(-1)]
    await Promise.all([
      startEach(databases, data, onHealthy),
      prepareBroker(broker).then(() => startEach(brokers, data, onHealthy)),
    ])
    await startEach(plan.links, data, onHealthy)
    await createTopics(options)
    await startEach(plan.services, data, onHealthy)
    await startEach(plan.edge, data, onHealthy)
  } catch (error) {
    await stopAll(data, () => {})
    throw error
  }
}

const brokerOptions = ({ data, file }: PlanOptions) => ({
  directory: join(data, 'kafka'),
  port: brokerPort(file),
  controllerPort: controllerPort(file),
  listeners: file.links
    ? serviceNames.map((service) => ({
        name: service.toUpperCase(),
        port: listenerPort(file, service),
        advertisedPort: linkPort(file, service, 'broker'),
      }))
    : [],
})

async function writeFiles(options: PlanOptions): Promise<void> {
  const { data, file } = options
  for (const service of serviceNames) {
    const directory = join(data, databaseName(service))
    mkdirSync(directory, { recursive: true })
    const password = file.passwords[service]
    const text = redisConf({ port: databasePort(file, service), directory, password })
    writeFileSync(join(directory, 'redis.conf'), text, { mode: 0o600 })
  }
  const scratch = join(data, 'gateway')
  mkdirSync(scratch, { recursive: true })
  mkdirSync(join(data, 'logs'), { recursive: true })
  const services = await publicRoutesByService()
  const openapiPath = join(scratch, 'openapi.json')
  writeFileSync(openapiPath, openapiText(services))
  const conf = nginxConf({
    upstreams: services.map((each) => ({
      ...each,
      servers: instancesOf(file)
        .filter(({ service }) => service === each.service)
        .map(({ port }) => `127.0.0.1:${port}`),
    })),
    listen: listenOn(file.host).map((address) => `${address}:${file.port}`),
    workers: sizes[file.size].gatewayWorkers,
    errorLog: join(data, 'logs', 'gateway.log'),
    ...{ scratch, openapiPath },
    ...(process.getuid?.() === 0 && { user: userInfo().username }),
  })
  writeFileSync(join(scratch, 'nginx.conf'), conf)
}

/** `localhost` is both addresses of loopback, where the machine has both. */
function listenOn(host: string): readonly string[] {
  if (host !== 'localhost') return [host.includes(':') ? `[${host}]` : host]
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.some(({ address }) => address === '::1') ? ['127.0.0.1', '[::1]'] : ['127.0.0.1']
}

async function startEach(
  specs: readonly ProcessSpec[],
  data: string,
  onHealthy: OnHealthy,
): Promise<void> {
  await Promise.all(
    specs.map(async (spec) => {
      const startedAt = systemClock.now()
      await startProcess(spec, runDirectory(data))
      await untilHealthy(spec, data)
      onHealthy(spec, systemClock.now() - startedAt)
    }),
  )
}

/** What is asked while it starts: a service not whether it lives but whether it is ready. */
function startProbe({ kind, probe }: ProcessSpec): ProcessSpec['probe'] {
  if (kind !== 'service' || probe.kind !== 'http') return probe
  return { ...probe, url: probe.url.replace(/live$/, 'ready') }
}

async function untilHealthy(spec: ProcessSpec, data: string): Promise<void> {
  const giveUpAt = systemClock.now() + healthyWithinMs
  for (;;) {
    const { health, detail } = await probe(startProbe(spec), {
      clock: systemClock,
      withinMs: askWithinMs,
    })
    if (health === 'well') return
    const isAlive = inspect(spec.name, runDirectory(data))?.isAlive === true
    if (!isAlive) throw new CommandFailure(`${spec.name} has ended: look into ${spec.logPath}.`)
    if (health === 'refused' || systemClock.now() >= giveUpAt) {
      throw new CommandFailure(
        `${spec.name} is not healthy (${detail}): look into ${spec.logPath}.`,
      )
    }
    await systemClock.sleep(askEveryMs)
  }
}

/** By the command that is the init job of other deployments. */
async function createTopics(options: PlanOptions): Promise<void> {
  const { node, root } = options
  const env = environmentOf(options, engineSettings(options.file, 'order'))
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
  const till = [node, join(root, 'cli', 'till.ts'), 'topics']
  await run('env', [...words, ...till], { timeout: topicsWithinMs }).catch((error) => {
    throw new CommandFailure(`The topics could not be made: ${error.stderr || error.message}`)
  })
}

/** The other way round: watchers first, then who is asked, then what they ask. */
const stopOrder = [
  'watchdog',
  'gateway',
  'service',
  'link',
  'broker',
  'database',
] as const satisfies readonly ProcessKind[]

/** Stops what the topology names; told of each that ran. */
export async function stopAll(data: string, onStopped: (name: string) => void): Promise<void> {
  const specs = specsOf(data)
  for (const kind of stopOrder) {
    await Promise.all(
      specs
        .filter((spec) => spec.kind === kind)
        .map(async ({ name }) => {
          if (await stopProcess(name, runDirectory(data), stopWithinMs)) onStopped(name)
        }),
    )
  }
}
