/**
 * Watches containers that carry a label, over the Docker engine's interface. Only this file and
 * docker-stops.ts know dockerode.
 *
 * A container is asked by the probe in its label `till.probe` (a ProbeSpec as JSON; where it names
 * no host, or the host `self`, the container's own address), else by its health check, else it is
 * well while it runs. `till.kind` says what it is (a service, unless it says otherwise).
 *
 * A container that was told to end in order (docker stop, docker compose stop) is not wanted until
 * it is started again; one that was killed, or ended by itself, is. docker-stops.ts knows which.
 * Whoever may use the engine's socket is as good as root on its host: docs/OPERATING.md says what
 * to do where that is too much.
 */
import { hostname } from 'node:os'
import Docker from 'dockerode'
import type { Clock } from '../lib/runtime/clock.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import type { Log } from '../lib/runtime/log.ts'
import { followStops, type Run } from './docker-stops.ts'
import type { Driver, Found } from './driver.ts'
import { atAddress } from './own-address.ts'
import { type Health, type ProbeResult, probe } from './probe.ts'
import { kinds, type ProbeSpec, type ProcessKind, parseProbe } from './process-spec.ts'

export interface DockerDriverOptions {
  readonly dockerHost: string
  /** `name=value` of labels that a container must have. */
  readonly labels: readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly probeWithinMs: number
}

/** A container that does not end within this after SIGKILL hangs in its kernel. */
const killWithinMs = 5_000
const lookEveryMs = 20
/** Each look asks for every container; what happens in between comes as an event. */
const fewestMsBetweenLooks = 1_000
/** From the event that a container has ended to the look that believes it. */
const secondLookMs = 100
/** An engine that answers nothing for this long counts as away. */
const engineAnswersWithinMs = 10_000

interface Container {
  readonly id: string
  readonly identity: string
  readonly status: string
  readonly health: string | undefined
  readonly probe: ProbeSpec | undefined
}

export function dockerDriver(options: DockerDriverOptions): Driver {
  const { labels, clock, log, probeWithinMs } = options
  const address = engineAt(options.dockerHost)
  const docker = new Docker({ ...address, timeout: engineAnswersWithinMs })
  // Without a timeout: events may not come for hours.
  const stops = followStops(new Docker(address), { labels, clock, log })
  let containers = new Map<string, Container>()
  /** Runs that were seen to have ended: a container counts as ended from its second such look. */
  let ended = new Set<string>()

  async function look(): Promise<readonly Found[]> {
    // Else it would start what is stopped on purpose before it has heard of it.
    if (!stops.knowsPast) {
      if (containers.size === 0) return []
      throw new ShopError('unavailable', 'The Docker engine does not tell its events.')
    }
    const listed = await docker.listContainers({ all: true, filters: { label: [...labels] } })
    const own = hostname()
    const others = listed.filter(({ Id }) => !Id.startsWith(own))
    const inspected = await Promise.all(others.map(({ Id }) => inspectOrNone(docker, Id)))
    const found = new Map<string, Container>()
    const endedNow = new Set<string>()
    const seen = inspected.flatMap((info): Found[] => {
      if (info === undefined || !watchable.has(info.State.Status)) return []
      const name = info.Name.replace(/^\//, '')
      const container = containerOf(info, log)
      found.set(name, container)
      const { identity, status } = container
      const runs = status === 'running' || status === 'paused'
      if (!runs) endedNow.add(identity)
      // The word that it was told to end may come a moment after its end.
      const isAlive = runs || !ended.has(identity)
      if (stops.isStopped(runOf(info))) return []
      return [{ name, kind: kindOf(info.Config.Labels), identity, isAlive }]
    })
    containers = found
    ended = endedNow
    return seen
  }

  return {
    fewestMsBetweenLooks,
    look,
    async ask({ name }): Promise<ProbeResult> {
      const container = containers.get(name)
      if (container === undefined) return { health: 'well', detail: 'is gone' }
      const { status, health } = container
      if (status === 'paused') return { health: 'unwell', detail: 'is paused' }
      if (container.probe !== undefined) {
        return probe(container.probe, { clock, withinMs: probeWithinMs })
      }
      if (health === undefined) return { health: 'well', detail: 'runs; has no health check' }
      return { health: healthOf[health] ?? 'well', detail: `health check: ${health}` }
    },
    async restart({ name, identity }): Promise<boolean> {
      const container = containers.get(name)
      if (container === undefined) return false
      return restart(docker, container.id, identity, clock)
    },
    onChange(run) {
      stops.onChange(() => {
        run()
        clock.after(secondLookMs, run)
      })
    },
    close: () => stops.close(),
  }
}

/** States of containers that have run and are not about to be changed by Docker itself. */
const watchable: ReadonlySet<string> = new Set(['running', 'paused', 'exited', 'dead'])

const healthOf: Readonly<Record<string, Health>> = {
  healthy: 'well',
  starting: 'starting',
  unhealthy: 'unwell',
}

const kindOf = (labels: Readonly<Record<string, string>>): ProcessKind =>
  kinds.find((kind) => kind === labels['till.kind']) ?? 'service'

const identityOf = (info: Docker.ContainerInspectInfo) => `${info.Id} ${info.State.StartedAt}`

function runOf({ Id, State }: Docker.ContainerInspectInfo): Run {
  const ended = { at: Date.parse(State.FinishedAt), exitCode: State.ExitCode }
  return {
    id: Id,
    startedAt: Date.parse(State.StartedAt),
    ended: State.Running ? undefined : ended,
  }
}

function containerOf(info: Docker.ContainerInspectInfo, log: Log): Container {
  const asked = info.Config.Labels['till.probe']
  const written = asked === undefined ? undefined : parseProbe(asked)
  const spec = written === undefined ? undefined : atAddress(written, addressOf(info))
  if (asked !== undefined && spec === undefined) {
    log.error('A label till.probe is not a probe', { name: info.Name, label: asked })
  }
  return {
    id: info.Id,
    identity: identityOf(info),
    status: info.State.Status,
    health: info.State.Health?.Status,
    probe: spec,
  }
}

/** In any of its networks: a watcher is in all of them. */
const addressOf = (info: Docker.ContainerInspectInfo): string =>
  Object.values(info.NetworkSettings.Networks).find(({ IPAddress }) => IPAddress !== '')
    ?.IPAddress ?? info.Name.slice(1)

/** Undefined when it is gone: a container may be removed at any moment. */
async function inspectOrNone(
  docker: Docker,
  id: string,
): Promise<Docker.ContainerInspectInfo | undefined> {
  return docker
    .getContainer(id)
    .inspect()
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode === 404) return undefined
      throw error
    })
}

async function restart(
  docker: Docker,
  id: string,
  identity: string,
  clock: Clock,
): Promise<boolean> {
  const container = docker.getContainer(id)
  const giveUpAt = clock.now() + killWithinMs
  let isKilled = false
  for (;;) {
    const info = await inspectOrNone(docker, id)
    if (info === undefined || identityOf(info) !== identity) return false
    if (!info.State.Running) break
    if (clock.now() >= giveUpAt) {
      throw new ShopError(
        'unavailable',
        `Container ${info.Name} does not end, not even by SIGKILL. Look at its host.`,
      )
    }
    if (!isKilled) await container.kill({ signal: 'SIGKILL' }).catch(ignoreConflict)
    // Some engines cannot end a container that is paused before it goes on.
    if (info.State.Paused) await container.unpause().catch(ignoreConflict)
    isKilled = true
    await clock.sleep(lookEveryMs)
  }
  await container.start().catch(ignoreStarted)
  return true
}

/** It ended meanwhile, or cannot be killed while it is paused: looked at again. */
function ignoreConflict(error: { statusCode?: number }): void {
  if (error.statusCode !== 409 && error.statusCode !== 500) throw error
}

/** 304: another was faster. */
function ignoreStarted(error: { statusCode?: number }): void {
  if (error.statusCode !== 304) throw error
}

function engineAt(dockerHost: string): Docker.DockerOptions {
  const url = URL.parse(dockerHost)
  if (url?.protocol === 'unix:') return { socketPath: url.pathname }
  if (url?.protocol === 'tcp:' || url?.protocol === 'http:') {
    return { protocol: 'http', host: url.hostname, port: url.port || '2375' }
  }
  throw new ShopError(
    'invalid_settings',
    `DOCKER_HOST=${dockerHost}: must be unix:///path or tcp://host:port.`,
  )
}
