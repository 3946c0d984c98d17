/**
 * Starts and stops the processes of a shop in order. Each is started as a watchdog would start it
 * again (watchdog/processes.ts), from the spec in `<data>/topology.json`.
 *
 * Promise: what runs already is left as it is, so that starting twice is starting once; a start
 * that fails, or is told to stop, stops what it had started, once nothing of it starts anything
 * more. `stopAll` stops exactly what the topology names. A start that is killed leaves what it has
 * started, for `stopAll`. Who starts and stops in turn: one-at-a-time.ts.
 */
import { join } from 'node:path'
import { systemClock } from '../../lib/runtime/clock.ts'
import { inheritableEnvironment } from '../../lib/runtime/config.ts'
import { serviceNames } from '../../lib/runtime/topology.ts'
import { probe } from '../../watchdog/probe.ts'
import { type ProcessKind, type ProcessSpec, writeTopology } from '../../watchdog/process-spec.ts'
import { inspect, startProcess, stopProcess } from '../../watchdog/processes.ts'
import { CommandFailure } from '../failure.ts'
import { brokerCommand, prepareBroker } from './kafka-broker.ts'
import { runToEnd } from './run-to-end.ts'
import { runDirectory, specsOf, topologyPath } from './running-specs.ts'
import { writeShopFiles } from './shop-files.ts'
import {
  brokerPort,
  brokerSpec,
  controllerPort,
  databaseSpecs,
  engineSettings,
  environmentOf,
  gatewaySpec,
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
/** Of what does not say how it ends: it drains nothing. */
const usualStop = { signal: 'SIGTERM', withinMs: 15_000 } as const

/** Told of each process that has become healthy. */
export type OnHealthy = (spec: ProcessSpec, ms: number) => void

/**
 * Resolves when everything is healthy. Throws CommandFailure or ShopError, or the reason of
 * `signal` when that is aborted; nothing runs then, and nothing starts any more.
 */
export async function startAll(
  options: PlanOptions,
  onHealthy: OnHealthy,
  signal: AbortSignal,
): Promise<void> {
  const { data } = options
  try {
    const broker = brokerOptions(options)
    await writeShopFiles(options)
    const { file, args } = brokerCommand(broker)
    const plan = {
      engines: [...databaseSpecs(options), brokerSpec(options, [file, ...args])],
      links: linkSpecs(options),
      services: serviceSpecs(options),
      edge: [gatewaySpec(options), ...watchdogSpecs(options)],
    }
    writeTopology(topologyPath(data), Object.values(plan).flat())
    const [databases, brokers] = [plan.engines.slice(0, -1), plan.engines.slice(-1)]
    const each = (specs: readonly ProcessSpec[]) => (stop: AbortSignal) =>
      startEach(specs, data, onHealthy, stop)
    const prepared = async (stop: AbortSignal) => {
      await prepareBroker(broker, stop)
      await each(brokers)(stop)
    }
    await together([each(databases), prepared], signal)
    await each(plan.links)(signal)
    await createTopics(options, signal)
    await each(plan.services)(signal)
    await each(plan.edge)(signal)
  } catch (error) {
    await stopAll(data, () => {})
    signal.throwIfAborted()
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

/**
 * Several works at once, of which the first that fails tells the others to stop. Throws that
 * failure, or the reason of `signal`, when all have ended: what one starts behind the back of who
 * stops would stay.
 */
async function together(
  works: readonly ((stop: AbortSignal) => Promise<void>)[],
  signal: AbortSignal,
): Promise<void> {
  const failure = new AbortController()
  const stop = AbortSignal.any([signal, failure.signal])
  await Promise.all(works.map((work) => work(stop).catch((error) => failure.abort(error))))
  signal.throwIfAborted()
  failure.signal.throwIfAborted()
}

function startEach(
  specs: readonly ProcessSpec[],
  data: string,
  onHealthy: OnHealthy,
  signal: AbortSignal,
): Promise<void> {
  const works = specs.map((spec) => async (stop: AbortSignal) => {
    const startedAt = systemClock.now()
    stop.throwIfAborted()
    await startProcess(spec, runDirectory(data))
    await untilHealthy(spec, data, stop)
    onHealthy(spec, systemClock.now() - startedAt)
  })
  return together(works, signal)
}

/** What is asked while it starts: a service not whether it lives but whether it is ready. */
function startProbe({ kind, probe }: ProcessSpec): ProcessSpec['probe'] {
  if (kind !== 'service' || probe.kind !== 'http') return probe
  return { ...probe, url: probe.url.replace(/live$/, 'ready') }
}

async function untilHealthy(spec: ProcessSpec, data: string, stop: AbortSignal): Promise<void> {
  const giveUpAt = systemClock.now() + healthyWithinMs
  for (;;) {
    stop.throwIfAborted()
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
async function createTopics(options: PlanOptions, signal: AbortSignal): Promise<void> {
  const { node, root } = options
  const own = environmentOf(options, engineSettings(options.file, 'order'))
  // Not as words of a command: those anyone may read, and a password is among them.
  const env = { ...inheritableEnvironment(), ...own }
  const words = [join(root, 'cli', 'till.ts'), 'topics']
  await runToEnd(node, words, { timeout: topicsWithinMs, env, signal }).catch((error) => {
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

/**
 * Stops what the topology names, and whatever is left of it where it does not run; told of each
 * that ran. Services and the gateway let requests under way end.
 */
export async function stopAll(data: string, onStopped: (name: string) => void): Promise<void> {
  const specs = specsOf(data)
  for (const kind of stopOrder) {
    await Promise.all(
      specs
        .filter((spec) => spec.kind === kind)
        .map(async ({ name, stop: { signal, withinMs } = usualStop }) => {
          if (await stopProcess(name, runDirectory(data), withinMs, signal)) onStopped(name)
        }),
    )
  }
}
