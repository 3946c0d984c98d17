/**
 * What must hold for every container of every compose file, as functions to sentences about what
 * is wrong; an empty list is right. deploy-compose.test.ts applies them and shows that each of them
 * can find something.
 */
import { kinds, parseProbe } from '../watchdog/process-spec.ts'
import type { ComposeFile, Container, Yaml } from './compose-files.ts'

const completed = 'service_completed_successfully'

/** Jobs do something and end: somebody waits for that. */
export function jobsOf({ containers }: ComposeFile): readonly Container[] {
  const waitedFor = containers.flatMap(({ dependsOn }) =>
    Object.entries(dependsOn).flatMap(([name, { condition }]) =>
      condition === completed ? [name] : [],
    ),
  )
  return containers.filter(({ name }) => waitedFor.includes(name))
}

/** What a watchdog may do: nobody restarts containers without the engine. */
const engineSocket = '/var/run/docker.sock:/var/run/docker.sock'
const allowedToBeRoot = 'watchdog'

/** As little as it can be: it runs as somebody, writes to its volumes, and gains nothing. */
export function profileFaults({ name, spec }: Container): string[] {
  const faults: string[] = []
  const must = (isSo: boolean, what: string) => void (isSo || faults.push(`${name}: ${what}`))
  const isWatchdog = spec.labels?.['till.kind'] === allowedToBeRoot
  const { user, volumes } = spec
  must(typeof user === 'string' && user !== '', 'its user is not given')
  must(isWatchdog || !/^(?:root|0)\b/.test(user ?? ''), 'is root')
  must(spec.read_only === true, 'may write to its root')
  must(spec.cap_drop?.includes('ALL') === true, 'keeps capabilities')
  must(spec.security_opt?.includes('no-new-privileges:true') === true, 'may gain privileges')
  must(spec.init === true, 'nobody reaps its orphans')
  for (const mount of volumes as string[]) {
    const [from, , mode] = mount.split(':')
    const isAllowed = !/[/.]/.test(from!) || mode === 'ro' || (isWatchdog && mount === engineSocket)
    must(isAllowed, `may write to ${from} of the host`)
  }
  return faults
}

/** It takes no more than it said of the machine. */
export function limitFaults({ name, spec }: Container): string[] {
  const faults: string[] = []
  const must = (isSo: boolean, what: string) => void (isSo || faults.push(`${name}: ${what}`))
  must(Number(spec.cpus) > 0, 'no limit of CPUs')
  must(/^\d+[mg]$/.test(spec.mem_limit ?? ''), 'no limit of memory')
  must(spec.pids_limit > 0, 'no limit of processes')
  const { driver, options } = spec.logging ?? {}
  const isBounded = driver === 'json-file' && options?.['max-size'] && options['max-file']
  must(Boolean(isBounded), 'its log grows for ever')
  const unbounded = (spec.tmpfs as string[]).filter((each) => !/\bsize=\d+m\b/.test(each))
  must(unbounded.length === 0, `${unbounded} grows for ever`)
  const { image } = spec
  must(/^[a-z/]+:[\w.-]+$/.test(image), 'image without a tag')
  must(image === 'till:latest' || /:\d+\.\d+/.test(image), `${image} is not pinned`)
  return faults
}

/** Whoever serves is asked whether it is well, by Docker for people and by the watchdogs. */
export function watchFaults({ name, spec }: Container): string[] {
  const faults: string[] = []
  const must = (isSo: boolean, what: string) => void (isSo || faults.push(`${name}: ${what}`))
  const labels = spec.labels ?? {}
  must(spec.healthcheck?.test !== undefined, 'no health check')
  for (const time of ['interval', 'timeout', 'start_period']) {
    must(/^\d+s$/.test(spec.healthcheck?.[time] ?? ''), `no ${time} of its health check`)
  }
  must(labels['till.watch'] === 'true', 'is not watched')
  must(kinds.includes(labels['till.kind']), `${labels['till.kind']} is no kind`)
  must(parseProbe(labels['till.probe'] ?? '') !== undefined, 'has no probe')
  must(/^\d+s$/.test(spec.stop_grace_period ?? '10s'), 'how long it may take to end')
  return faults
}

/** Pairs of containers with a network in common, as `one - other`, each pair once. */
export function neighboursOf({ containers }: ComposeFile): string[] {
  return containers.flatMap((one, index) =>
    containers
      .slice(index + 1)
      .filter((other) => Object.keys(one.networks).some((each) => each in other.networks))
      .map((other) => [one.name, other.name].toSorted().join(' - ')),
  )
}

/** What a part names must be there: volumes, networks, others to wait for. */
export function referenceFaults({ containers, networks, volumes }: ComposeFile): string[] {
  const faults: string[] = []
  const names = containers.map(({ name }) => name)
  const mounts = containers.flatMap(({ spec }) =>
    (spec.volumes as string[])
      .map((each) => each.split(':')[0]!)
      .filter((each) => !/[/.]/.test(each)),
  )
  for (const container of containers) {
    for (const each of Object.keys(container.networks)) {
      if (!(each in networks)) faults.push(`${container.name}: no network ${each}`)
    }
    for (const each of Object.keys(container.dependsOn)) {
      if (!names.includes(each)) faults.push(`${container.name}: waits for nobody: ${each}`)
    }
  }
  for (const each of mounts) if (!(each in volumes)) faults.push(`no volume ${each}`)
  for (const each of Object.keys(volumes)) {
    const users = mounts.filter((mount) => mount === each)
    if (users.length !== 1) faults.push(`volume ${each} has ${users.length} users`)
  }
  return faults
}

/** What the host's ports lead to: `container: published:port`. */
export const published = ({ containers }: ComposeFile): string[] =>
  containers.flatMap(({ name, spec }) =>
    ((spec.ports ?? []) as Yaml[]).map((port) => `${name}: ${port}`),
  )
