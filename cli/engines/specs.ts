/**
 * A shop of processes as data: one spec for each, from the topology table, the ports and the
 * settings. Pure; launch.ts writes the files that they name and starts them.
 */
import { join } from 'node:path'
import type { Config } from '../../lib/runtime/config.ts'
import { settings } from '../../lib/runtime/settings.ts'
import {
  databaseName,
  nameOf,
  serviceNames,
  sizes,
  type Topology,
  type TopologyService,
} from '../../lib/runtime/topology.ts'
import type { ProcessSpec } from '../../watchdog/process-spec.ts'
import type { EngineFile } from './engine-file.ts'
import { bracketed, reachedAt } from './public-address.ts'

export interface PlanOptions {
  readonly config: Config
  readonly file: EngineFile
  /** Absolute. */
  readonly data: string
  /** Of this project. */
  readonly root: string
  /** The program that runs .ts files. */
  readonly node: string
}

export interface Instance {
  readonly service: TopologyService
  readonly name: string
  readonly port: number
  readonly internalPort: number
}

const loopback = '127.0.0.1'

/** Where each port of the block goes. */
const offsets = {
  ...{ kafka: 0, controllers: 5, databases: 10 },
  ...{ links: 20, listeners: 30, services: 40, watchdogs: 90 },
} as const

export const brokerPort = ({ firstPort }: EngineFile) => firstPort + offsets.kafka
export const controllerPort = ({ firstPort }: EngineFile) => firstPort + offsets.controllers
export const databasePort = ({ firstPort }: EngineFile, service: TopologyService) =>
  firstPort + offsets.databases + serviceNames.indexOf(service)

/** Of the broker, for those who come through this service's link. */
export const listenerPort = ({ firstPort }: EngineFile, service: TopologyService) =>
  firstPort + offsets.listeners + serviceNames.indexOf(service)
/** Where the link of this service to its database or to the broker listens. */
export const linkPort = (
  { firstPort }: EngineFile,
  service: TopologyService,
  to: 'database' | 'broker',
) => firstPort + offsets.links + 2 * serviceNames.indexOf(service) + (to === 'database' ? 0 : 1)

/** Every instance of every service, with its two ports. */
export function instancesOf(file: EngineFile): readonly Instance[] {
  const { processes }: Topology = sizes[file.size]
  const names = serviceNames.flatMap((service) =>
    Array.from({ length: processes[service] }, (_, index) => ({
      service,
      name: nameOf(service, index, processes[service]),
    })),
  )
  return names.map((each, index) => {
    const port = file.firstPort + offsets.services + 2 * index
    return { ...each, port, internalPort: port + 1 }
  })
}

/** In the order of their start. */
export function databaseSpecs(options: PlanOptions): readonly ProcessSpec[] {
  const { file, data } = options
  return serviceNames.map((service) => {
    const name = databaseName(service)
    return {
      ...placeOf(name, options),
      kind: 'database',
      command: ['redis-server', join(data, name, 'redis.conf')],
      env: {},
      probe: {
        kind: 'redis',
        port: databasePort(file, service),
        password: file.passwords[service],
      },
    }
  })
}

/**
 * MB. V8 lets a heap grow to four times what lives in it where it may become large, and to less
 * than one and a half times where it may not. In a container it knows by itself what there is.
 */
const boundedHeap = '--max-old-space-size=512'

/** Beyond draining, for what is open to be closed. */
const closeWithinMs = 10_000

export function serviceSpecs(options: PlanOptions): readonly ProcessSpec[] {
  return instancesOf(options.file).map((instance) => ({
    ...placeOf(instance.name, options),
    kind: 'service',
    command: [options.node, boundedHeap, join(options.root, instance.service, 'main.ts')],
    env: environmentOf(options, {
      ...engineSettings(options.file, instance.service),
      HOST: loopback,
      INSTANCE: instance.name,
      PORT: String(instance.port),
      INTERNAL_HOST: loopback,
      INTERNAL_PORT: String(instance.internalPort),
    }),
    probe: { kind: 'http', url: `http://${loopback}:${instance.internalPort}/live`, status: 200 },
    // Two servers drain, one after the other.
    stop: { signal: 'SIGTERM', withinMs: 2 * options.config.drainMs + closeWithinMs },
  }))
}

/** Two for each service; none where services are connected directly. */
export function linkSpecs(options: PlanOptions): readonly ProcessSpec[] {
  const { file, node, root } = options
  if (!file.links) return []
  const link = (name: string, from: number, to: number): ProcessSpec => ({
    ...placeOf(name, options),
    kind: 'link',
    command: [node, join(root, 'cli', 'link', 'main.ts'), String(from), String(to)],
    env: {},
    // A question that it passes on would be answered, or not, by someone else.
    probe: { kind: 'tcp', port: from },
  })
  return serviceNames.flatMap((service) => {
    const port = (to: 'database' | 'broker') => linkPort(file, service, to)
    return [
      link(`${service}-to-db`, port('database'), databasePort(file, service)),
      link(`${service}-to-kafka`, port('broker'), listenerPort(file, service)),
    ]
  })
}

export const gatewaySpec = (options: PlanOptions): ProcessSpec => ({
  ...placeOf('gateway', options),
  kind: 'gateway',
  command: [
    ...['nginx', '-e', join(options.data, 'logs', 'gateway.log')],
    ...['-c', join(options.data, 'gateway', 'nginx.conf'), '-g', 'daemon off;'],
  ],
  env: {},
  probe: { kind: 'http', url: `${gatewayUrl(options.file)}/openapi.json`, status: 200 },
  // At a SIGTERM nginx drops what is under way.
  stop: { signal: 'SIGQUIT', withinMs: options.config.drainMs + closeWithinMs },
})

const gatewayUrl = ({ host, port }: EngineFile) => `http://${bracketed(reachedAt(host))}:${port}`

/** MB: a probe's garbage is collected soon, which halves a watchdog's memory. */
const smallNursery = '--max-semi-space-size=1'

export function watchdogSpecs(options: PlanOptions): readonly ProcessSpec[] {
  const { watchdogs } = sizes[options.file.size]
  return Array.from({ length: watchdogs }, (_, index) => {
    const name = nameOf('watchdog', index, watchdogs)
    const port = options.file.firstPort + offsets.watchdogs + index
    return {
      ...placeOf(name, options),
      kind: 'watchdog',
      command: [options.node, smallNursery, join(options.root, 'watchdog', 'main.ts')],
      env: environmentOf(options, {
        ...{ INSTANCE: name, PORT: '0' },
        ...{ INTERNAL_HOST: loopback, INTERNAL_PORT: String(port) },
      }),
      probe: { kind: 'http', url: `http://${loopback}:${port}/live`, status: 200 },
    }
  })
}

export const brokerSpec = (options: PlanOptions, command: readonly string[]): ProcessSpec => ({
  ...placeOf('kafka', options),
  kind: 'broker',
  command,
  env: {},
  probe: { kind: 'kafka', port: brokerPort(options.file) },
})

/** Where a service finds its database and the bus. */
export const engineSettings = (file: EngineFile, service: TopologyService) => ({
  STORAGE: 'redis',
  BUS: 'kafka',
  REDIS_HOST: loopback,
  REDIS_PORT: String(
    file.links ? linkPort(file, service, 'database') : databasePort(file, service),
  ),
  REDIS_PASSWORD: file.passwords[service],
  KAFKA_BROKERS: `${loopback}:${file.links ? linkPort(file, service, 'broker') : brokerPort(file)}`,
  // One broker and one Redis for each service in every size: copies on one machine are none.
  KAFKA_REPLICATION: '1',
})

/** Every setting of this start, so that a restart by a watchdog is the same; then `differing`. */
export function environmentOf(
  { config, file, data }: Pick<PlanOptions, 'config' | 'file' | 'data'>,
  differing: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = Object.entries(settings).map(([name, { variable }]) => {
    return [variable, String(config[name as keyof Config])]
  })
  const given = all.filter(([, value]) => value !== '')
  const own = { DATA: data, PARTITIONS: String(file.partitions) }
  return { ...Object.fromEntries(given), ...own, ...differing }
}

const placeOf = (name: string, { data, root }: PlanOptions) => ({
  name,
  cwd: root,
  logPath: join(data, 'logs', `${name}.log`),
})
