/**
 * What must hold for every manifest, as functions from rendered resources to sentences about what
 * is wrong; an empty list is right. deploy-kubernetes.test.ts applies them to every overlay and
 * shows that each of them can find something.
 */
import { mostBytesOfPartition } from '../lib/bus/kafka-topics.ts'
import { topics } from '../lib/runtime/topology.ts'
import type { Resource, Yaml } from './kustomize.ts'
import { diskFaults, megabytes, memoryFaults, startedWith } from './redis-launch.ts'

/** What runs pods, and the pod that it runs. */
export interface Workload {
  readonly kind: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly pod: Yaml
  readonly containers: readonly Yaml[]
  readonly resource: Resource
}

const workloadKinds = new Set(['Deployment', 'StatefulSet', 'Job'])

export function workloadsOf(resources: readonly Resource[]): Workload[] {
  return resources
    .filter(({ kind }) => workloadKinds.has(kind))
    .map((resource) => {
      const { metadata, spec: pod } = resource.spec.template
      const containers = [...(pod.initContainers ?? []), ...pod.containers]
      const { name } = resource.metadata
      return { kind: resource.kind, name, labels: metadata.labels, pod, containers, resource }
    })
}

/** The profile `restricted` of pod security, and a root that nobody writes to. */
export function profileFaults({ name, pod, containers }: Workload): string[] {
  const faults: string[] = []
  const must = (isSo: boolean, what: string) => void (isSo || faults.push(`${name}: ${what}`))
  const context = pod.securityContext ?? {}
  must(context.runAsNonRoot === true, 'runAsNonRoot is not true')
  must(context.runAsUser > 0, 'runAsUser is not given')
  must(context.seccompProfile?.type === 'RuntimeDefault', 'no seccomp profile')
  must(pod.automountServiceAccountToken === false, 'has a token of the API server')
  must(pod.enableServiceLinks === false, 'Services become environment variables')
  for (const shared of ['hostNetwork', 'hostPID', 'hostIPC']) must(!pod[shared], shared)
  const volumes = (pod.volumes ?? []).filter((each: Yaml) => 'hostPath' in each)
  must(volumes.length === 0, 'mounts a path of its node')
  for (const { name: container, securityContext = {}, ports = [] } of containers) {
    const { allowPrivilegeEscalation, capabilities, readOnlyRootFilesystem } = securityContext
    must(allowPrivilegeEscalation === false, `${container}: may gain privileges`)
    must(readOnlyRootFilesystem === true, `${container}: may write to its root`)
    must(capabilities?.drop?.includes('ALL') && !capabilities.add, `${container}: capabilities`)
    must(!securityContext.privileged, `${container}: is privileged`)
    must(!ports.some((each: Yaml) => 'hostPort' in each), `${container}: takes a port of its node`)
  }
  return faults
}

const mostGrace = 5

/** A command that outlives its probe blocks the next ones on some runtimes: it must end itself. */
function endlessProbes(name: string, container: Yaml): string[] {
  const commands = ['startupProbe', 'livenessProbe', 'readinessProbe'].flatMap(
    (probe) => container[probe]?.exec?.command.at(-1) ?? [],
  )
  const endless = commands.filter((command) => !/\btimeout \d/.test(command))
  return endless.map((command) => `${name}: ${command} has no timeout`)
}

/** Whoever serves is asked whether it lives and is ready, and takes no more than it said. */
export function runningFaults({ kind, name, containers }: Workload): string[] {
  return containers.flatMap((container) => {
    const faults: string[] = []
    const probes = kind === 'Job' ? [] : ['livenessProbe', 'readinessProbe']
    for (const probe of probes) {
      if (container[probe] === undefined) faults.push(`${name}: no ${probe}`)
    }
    // Who has stopped answering is not given the time to drain: it would be away for all of it.
    const grace = container.livenessProbe?.terminationGracePeriodSeconds
    if (kind !== 'Job' && !(grace <= mostGrace)) faults.push(`${name}: killed too late`)
    faults.push(...endlessProbes(name, container))
    for (const side of ['requests', 'limits']) {
      for (const what of ['cpu', 'memory']) {
        const given = container.resources?.[side]?.[what]
        if (given === undefined) faults.push(`${name}: no ${what} in ${side}`)
      }
    }
    if (!/^[a-z/]+:[\w.-]+$/.test(container.image)) faults.push(`${name}: image without a tag`)
    if (container.image.endsWith(':latest') && container.image !== 'till:latest') {
      faults.push(`${name}: ${container.image} is not pinned`)
    }
    if (container.imagePullPolicy !== 'IfNotPresent') faults.push(`${name}: imagePullPolicy`)
    return faults
  })
}

/** Names that manifests give one another: of settings, secrets, keys, and ports. */
export function referenceFaults(resources: readonly Resource[]): string[] {
  const faults: string[] = []
  const named = (kind: string, name: string) =>
    resources.find((each) => each.kind === kind && each.metadata.name === name)
  const workloads = workloadsOf(resources)
  for (const { name, pod, containers } of workloads) {
    const maps = [
      ...(pod.volumes ?? []).flatMap((each: Yaml) => each.configMap?.name ?? []),
      ...containers.flatMap(({ envFrom = [] }) =>
        envFrom.map((each: Yaml) => each.configMapRef.name),
      ),
    ]
    for (const map of maps) {
      if (named('ConfigMap', map) === undefined) faults.push(`${name}: no ConfigMap ${map}`)
    }
    for (const { valueFrom } of containers.flatMap(({ env = [] }) => env)) {
      const ref = valueFrom?.secretKeyRef
      if (ref !== undefined && named('Secret', ref.name)?.data[ref.key] === undefined) {
        faults.push(`${name}: no ${ref.key} in a Secret ${ref.name}`)
      }
    }
  }
  for (const { metadata, spec } of resources.filter(({ kind }) => kind === 'Service')) {
    const behind = workloads.filter(({ labels }) => hasLabels(labels, spec.selector))
    if (behind.length !== 1) faults.push(`Service ${metadata.name} has ${behind.length} workloads`)
    const ports = behind.flatMap(({ containers }) => containers.flatMap(({ ports = [] }) => ports))
    for (const { targetPort, port } of spec.ports) {
      const target = ports.find((each) => each.name === targetPort)
      if (target?.containerPort !== port) faults.push(`Service ${metadata.name}: port ${port}`)
    }
  }
  return faults
}

const hasLabels = (labels: Readonly<Record<string, string>>, wanted: Yaml) =>
  Object.entries(wanted).every(([key, value]) => labels[key] === value)

function isSelected(labels: Readonly<Record<string, string>>, selector: Yaml): boolean {
  const expressions: Yaml[] = selector.matchExpressions ?? []
  return (
    hasLabels(labels, selector.matchLabels ?? {}) &&
    expressions.every(({ key, operator, values }) => {
      if (operator !== 'In') throw new Error(`operator ${operator} is not understood here`)
      return values.includes(labels[key])
    })
  )
}

/** Somebody who is no pod of the shop: clients, other namespaces. */
export const outside = 'outside'

/**
 * Who reaches whom by all NetworkPolicies together, as `from > to:port`. A connection needs one
 * rule at each of its ends; an end that no policy selects is open, and shows as such. Rules for
 * other namespaces (names, port 53) are left out.
 */
export function reachable(resources: readonly Resource[], ports: readonly number[]): string[] {
  const policies = resources.filter(({ kind }) => kind === 'NetworkPolicy')
  const pods = workloadsOf(resources)
  const allows = (
    side: 'Ingress' | 'Egress',
    at: Workload,
    other: Workload | null,
    port: number,
  ) => {
    const mine = policies.filter(
      ({ spec }) => spec.policyTypes.includes(side) && isSelected(at.labels, spec.podSelector),
    )
    if (mine.length === 0) return true
    const peers = side === 'Ingress' ? 'from' : 'to'
    return mine
      .flatMap(({ spec }) => spec[side.toLowerCase()] ?? [])
      .some((rule) => {
        const isPort = rule.ports === undefined || rule.ports.some((p: Yaml) => p.port === port)
        return isPort && (rule[peers] === undefined || rule[peers].some(includes(other)))
      })
  }
  const includes = (other: Workload | null) => (peer: Yaml) =>
    other !== null && peer.podSelector !== undefined && isSelected(other.labels, peer.podSelector)
  const found: string[] = []
  for (const from of [...pods, null]) {
    for (const to of [...pods, null]) {
      for (const port of ports) {
        const leaves = from === null || allows('Egress', from, to, port)
        const enters = to === null || allows('Ingress', to, from, port)
        if (from === to && to === null) continue
        if (!leaves || !enters) continue
        found.push(`${from?.name ?? outside} > ${to?.name ?? outside}:${port}`)
      }
    }
  }
  return found
}

/** Topics with a partition for each of the data, and inboxes of as many services that ask. */
const busyTopics = topics.length

/** A broker whose disk is full ends: its volume holds what topics keep, and half as much more. */
export function brokerFaults(resources: readonly Resource[], partitions: number): string[] {
  const { name, resource } = workloadsOf(resources).find((each) => each.name === 'kafka')!
  const { storage } = resource.spec.volumeClaimTemplates[0].spec.resources.requests
  const least = (1.5 * busyTopics * partitions * mostBytesOfPartition) / 2 ** 20
  return megabytes(storage) >= least ? [] : [`${name}: topics may need ${least} MB of ${storage}`]
}

/** The environment of a container, secrets included, as its process sees it. */
export function environmentOf(
  resources: readonly Resource[],
  container: Yaml,
): Record<string, string> {
  const data = (kind: string, name: string) =>
    resources.find((each) => each.kind === kind && each.metadata.name === name)!.data
  const result: Record<string, string> = {}
  for (const { configMapRef } of container.envFrom ?? []) {
    Object.assign(result, data('ConfigMap', configMapRef.name))
  }
  for (const { name, value, valueFrom } of container.env ?? []) {
    const ref = valueFrom?.secretKeyRef
    const limit = valueFrom?.resourceFieldRef
    if (value !== undefined) result[name] = value
    else if (limit !== undefined) result[name] = amountOf(container, limit)
    else if (ref === undefined) result[name] = valueFrom.fieldRef.fieldPath
    else result[name] = Buffer.from(data('Secret', ref.name)[ref.key], 'base64').toString()
  }
  return result
}

/** What the kubelet says of the container's own limit. */
function amountOf({ resources }: Yaml, { resource, divisor }: Yaml): string {
  if (resource !== 'limits.memory' || divisor !== '1Mi')
    throw new Error(`${resource}: unknown here`)
  return String(megabytes(resources.limits.memory))
}

/** A full database refuses writes: its container has more memory than its data, its volume more. */
export function databaseFaults(resources: readonly Resource[]): string[] {
  const databases = workloadsOf(resources).filter(
    ({ labels }) => labels['app.kubernetes.io/component'] === 'database',
  )
  return databases.flatMap(({ name, containers: [container], pod, resource }) => {
    const map = pod.volumes.find((each: Yaml) => each.name === 'settings').configMap.name
    const { data } = resources.find(
      ({ kind, metadata: { name } }) => kind === 'ConfigMap' && name === map,
    )!
    const words = [...container.command.slice(1), ...container.args]
    const settings = startedWith(words, environmentOf(resources, container), data)
    const { storage } = resource.spec.volumeClaimTemplates[0].spec.resources.requests
    return [
      ...memoryFaults(name, settings, container.resources.limits.memory),
      ...diskFaults(name, settings, storage),
    ]
  })
}
