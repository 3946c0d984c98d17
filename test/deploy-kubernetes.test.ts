/**
 * k8s/ read as it is: every overlay is rendered and held to the rules, without a cluster. Whether
 * it runs: kubernetes.test.ts.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { neededProperties } from '../cli/engines/kafka-settings.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { settings } from '../lib/runtime/settings.ts'
import {
  brokerFaults,
  databaseFaults,
  environmentOf,
  outside,
  profileFaults,
  reachable,
  referenceFaults,
  runningFaults,
  workloadsOf,
} from './kubernetes-rules.ts'
import { type Resource, render, type Yaml } from './kustomize.ts'
import { root } from './source-files.ts'
import { variants } from './variants.ts'

const services = ['order', 'payment', 'stock', 'orchestrator'] as const
const publicPort = 8000
const internalPort = 9000
const redisPort = 6379
const kafkaPorts = { clients: 9092, controllers: 9093 }

const overlayNames = readdirSync(join(root, 'k8s/overlays'))
const overlay = (name: string) => render(join(root, 'k8s/overlays', name))
const ofKind = (resources: readonly Resource[], kind: string) =>
  resources.filter((each) => each.kind === kind)
const named = (resources: readonly Resource[], kind: string, name: string): Yaml =>
  ofKind(resources, kind).find((each) => each.metadata.name === name)
const workload = (resources: readonly Resource[], name: string) =>
  workloadsOf(resources).find((each) => each.name === name)!
const servicesOf = (resources: readonly Resource[]) =>
  services.map((name) => workload(resources, name))

for (const name of overlayNames) {
  describe(`overlay ${name}`, () => {
    const resources = overlay(name)
    const workloads = workloadsOf(resources)
    const settingsOf = (service: string) =>
      environmentOf(resources, workload(resources, service).containers[0])

    test('everything is in the namespace, which lets nothing in that is not restricted', () => {
      const { metadata } = named(resources, 'Namespace', 'till')
      assert.equal(metadata.labels['pod-security.kubernetes.io/enforce'], 'restricted')
      const elsewhere = resources.filter(
        ({ kind, metadata }) => kind !== 'Namespace' && metadata.namespace !== 'till',
      )
      assert.deepEqual(elsewhere, [])
    })

    test('every container obeys the restricted profile', () => {
      assert.deepEqual(workloads.flatMap(profileFaults), [])
    })

    test('every container is probed, limited, and of a named image', () => {
      assert.deepEqual(workloads.flatMap(runningFaults), [])
    })

    test('a full database refuses writes while its pod and its volume have room', () => {
      assert.deepEqual(databaseFaults(resources), [])
    })

    test('the volume of a broker holds what its topics keep', () => {
      const { partitions } = readConfig({}, settingsOf('order'))
      assert.deepEqual(brokerFaults(resources, partitions), [])
    })

    test('names and ports that manifests give one another are there', () => {
      assert.deepEqual(referenceFaults(resources), [])
    })

    test('every environment variable of our image is a setting, and right', () => {
      const variables = new Set(Object.values(settings).map(({ variable }) => variable as string))
      for (const { containers } of workloads) {
        for (const container of containers.filter(({ image }) => image === 'till:latest')) {
          const environment = environmentOf(resources, container)
          const unknown = Object.keys(environment).filter((each) => !variables.has(each))
          assert.deepEqual(unknown, [])
          readConfig({}, environment)
        }
      }
    })

    test('services listen where they are looked for', () => {
      for (const { name, containers } of servicesOf(resources)) {
        const config = readConfig({}, settingsOf(name))
        assert.deepEqual(
          [config.host, config.port, config.internalHost, config.internalPort],
          ['0.0.0.0', publicPort, '0.0.0.0', internalPort],
        )
        const ports = containers[0].ports.map(({ name, containerPort }: Yaml) => [
          name,
          containerPort,
        ])
        assert.deepEqual(ports, [
          ['public', publicPort],
          ['internal', internalPort],
        ])
        assert.equal(config.redisHost, `${name}-db`)
      }
    })

    test('who may reach whom, and nobody else', () => {
      const expected = [
        `${outside} > gateway:${publicPort}`,
        ...['order', 'payment', 'stock'].map((each) => `gateway > ${each}:${publicPort}`),
        ...[...services, 'topics'].map((each) => `${each} > kafka:${kafkaPorts.clients}`),
        ...Object.values(kafkaPorts).map((port) => `kafka > kafka:${port}`),
        ...services
          .filter((each) => named(resources, 'StatefulSet', `${each}-db`))
          .map((each) => `${each} > ${each}-db:${redisPort}`),
      ]
      const ports = [publicPort, internalPort, redisPort, ...Object.values(kafkaPorts), 22, 443]
      assert.deepEqual(reachable(resources, ports).toSorted(), expected.toSorted())
    })

    test('every pod may ask for names: of pods of the cluster and of its own node', () => {
      const { spec } = named(resources, 'NetworkPolicy', 'names')
      assert.deepEqual(spec.podSelector, {})
      const [{ to, ports }] = spec.egress
      assert.deepEqual(ports, [
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
      ])
      const system = { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } }
      assert.deepEqual(to, [{ namespaceSelector: system }, { ipBlock: { cidr: '169.254.0.0/16' } }])
    })

    test('a broker writes no log of its garbage collection, which would fill its scratch', () => {
      const { EXTRA_ARGS } = environmentOf(resources, workload(resources, 'kafka').containers[0])
      assert.deepEqual(EXTRA_ARGS?.split(' '), ['-name', 'kafkaServer'])
    })

    test('an update never has fewer ready than before, and pods end in their own time', () => {
      for (const { resource, pod, containers } of [
        ...servicesOf(resources),
        workload(resources, 'gateway'),
      ]) {
        const { type, rollingUpdate } = resource.spec.strategy
        assert.equal(type, 'RollingUpdate')
        assert.deepEqual(rollingUpdate, { maxSurge: 1, maxUnavailable: 0 })
        const pause = containers[0].lifecycle.preStop.sleep.seconds
        assert.ok(pause >= 5)
        const drainSeconds = readConfig({}, settingsOf('order')).drainMs / 1_000
        assert.ok(pod.terminationGracePeriodSeconds >= pause + 2 * drainSeconds)
      }
    })

    test('everything that serves can be moved, one pod at a time', () => {
      for (const { kind, name, labels } of workloads) {
        if (kind === 'Job') continue
        const budget = named(resources, 'PodDisruptionBudget', name)
        assert.equal(budget.spec.maxUnavailable, 1, name)
        const label = budget.spec.selector.matchLabels['app.kubernetes.io/name']
        assert.deepEqual([label, labels['app.kubernetes.io/name']], [name, name])
      }
    })

    test('how many there are is said by the autoscalers, and a partition is enough for one', () => {
      const { partitions, kafkaInboxes } = readConfig({}, settingsOf('order'))
      assert.ok(kafkaInboxes >= 2 * partitions, 'too many order services would share an inbox')
      for (const { kind, name, resource } of workloads) {
        if (kind !== 'Deployment') continue
        assert.equal(resource.spec.replicas, undefined, name)
        const { scaleTargetRef, minReplicas, maxReplicas } = named(
          resources,
          'HorizontalPodAutoscaler',
          name,
        ).spec
        assert.deepEqual([scaleTargetRef.kind, scaleTargetRef.name], [kind, name])
        assert.ok(minReplicas >= 1 && minReplicas <= maxReplicas, name)
        assert.ok(maxReplicas <= partitions, `${name}: an instance without a partition is idle`)
      }
    })

    test('brokers, voters and copies agree in number', () => {
      const brokers = named(resources, 'StatefulSet', 'kafka').spec.replicas
      const pods = Array.from({ length: brokers }, (_, index) => `kafka-${index}.kafka`)
      const config = readConfig({}, settingsOf('order'))
      assert.equal(
        config.kafkaBrokers,
        pods.map((each) => `${each}:${kafkaPorts.clients}`).join(','),
      )
      assert.equal(config.kafkaReplication, brokers)
      const { data } = named(resources, 'ConfigMap', 'kafka')
      const voters = pods.map((each, index) => `${index + 1}@${each}:${kafkaPorts.controllers}`)
      assert.equal(data.KAFKA_CONTROLLER_QUORUM_VOTERS, voters.join(','))
      assert.ok(Number(data.KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS) <= config.kafkaSessionMs)
      for (const [property, value] of Object.entries(neededProperties(brokers))) {
        const variable = `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`
        assert.equal(data[variable], value, variable)
      }
    })
  })
}

test('the four variants are overlays', () => {
  const variantOf = (name: string) => {
    const resources = overlay(name)
    const [container] = workload(resources, 'order').containers
    const { protocol, coordination } = readConfig({}, environmentOf(resources, container))
    return `${protocol}/${coordination}`
  }
  const names = ['default', '2pc-orchestrator', 'saga-order', 'saga-orchestrator']
  assert.deepEqual(
    names.map(variantOf),
    variants.map(({ name }) => name),
  )
})

test('every component and every manifest is part of an overlay', () => {
  const texts = ['base', 'components', 'overlays'].flatMap((folder) =>
    readdirSync(join(root, 'k8s', folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml'))
      .map((path) => ({ path, text: readFileSync(join(root, 'k8s', folder, path), 'utf8') })),
  )
  const kustomizations = texts.filter(({ path }) => path.endsWith('kustomization.yaml'))
  const lists = kustomizations.map(({ text }) => text).join('\n')
  for (const { path } of texts.filter((each) => !kustomizations.includes(each))) {
    assert.ok(lists.includes(path.split('/').at(-1)!), `${path} is in no kustomization`)
  }
  for (const component of readdirSync(join(root, 'k8s/components'))) {
    assert.ok(new RegExp(`/${component}\n`).test(lists), `${component} is in no overlay`)
  }
})

describe('the rules find what is wrong', () => {
  const changed = (change: (resources: Resource[]) => void) => {
    const resources = overlay('default')
    change(resources)
    return resources
  }
  const container = (resources: readonly Resource[], name: string) =>
    workload(resources, name).containers[0]

  test('in a container', () => {
    const spoilers: readonly ((context: Yaml, pod: Yaml) => void)[] = [
      (context) => delete context.allowPrivilegeEscalation,
      (context) => delete context.readOnlyRootFilesystem,
      (context) => delete context.capabilities,
      (context) => Object.assign(context.capabilities, { add: ['NET_ADMIN'] }),
      (context) => Object.assign(context, { privileged: true }),
      (_, pod) => delete pod.securityContext.runAsNonRoot,
      (_, pod) => delete pod.securityContext.seccompProfile,
      (_, pod) => Object.assign(pod, { hostNetwork: true }),
      (_, pod) => Object.assign(pod, { volumes: [{ name: 'root', hostPath: { path: '/' } }] }),
    ]
    for (const spoil of spoilers) {
      const resources = changed((all) => {
        const { pod } = workload(all, 'order')
        spoil(container(all, 'order').securityContext, pod)
      })
      assert.equal(workloadsOf(resources).flatMap(profileFaults).length, 1, String(spoil))
    }
  })

  test('in probes, limits and images', () => {
    const resources = changed((all) => {
      const stock = container(all, 'stock')
      delete stock.livenessProbe
      delete stock.resources.limits.memory
      container(all, 'kafka').image = 'apache/kafka:latest'
      container(all, 'order-db').readinessProbe.exec.command = ['redis-cli', 'ping']
    })
    // Without a livenessProbe there is nothing that kills it in time, either.
    assert.equal(workloadsOf(resources).flatMap(runningFaults).length, 5)
  })

  test('in databases', () => {
    const resources = changed((all) => {
      const db = container(all, 'order-db')
      db.args[0] = db.args[0].replace('* 60 /', '* 90 /')
      container(all, 'stock-db').args[0] = 'redis-server /etc/redis/redis.conf'
      const { spec } = named(all, 'StatefulSet', 'payment-db')
      spec.volumeClaimTemplates[0].spec.resources.requests.storage = '1Gi'
    })
    // With 90 % the volume of order-db is too small as well.
    assert.equal(databaseFaults(resources).length, 4)
  })

  test('in brokers', () => {
    const resources = changed((all) => {
      const { spec } = named(all, 'StatefulSet', 'kafka')
      spec.volumeClaimTemplates[0].spec.resources.requests.storage = '1Gi'
    })
    assert.equal(brokerFaults(resources, 4).length, 1)
  })

  test('in names', () => {
    const resources = changed((all) => {
      container(all, 'order').env[1].valueFrom.secretKeyRef.key = 'pasword'
      container(all, 'stock').envFrom[0].configMapRef.name = 'tills'
      named(all, 'Service', 'order-db').spec.ports[0].port = 6380
      named(all, 'Service', 'stock').spec.selector = { 'app.kubernetes.io/name': 'stocks' }
    })
    assert.equal(referenceFaults(resources).length, 5)
  })

  test('in network policies', () => {
    const before = reachable(overlay('default'), [redisPort])
    const open = changed((all) => {
      named(all, 'NetworkPolicy', 'order-db').spec.ingress[0].from[0].podSelector = {}
      named(all, 'NetworkPolicy', 'stock').spec.egress[0].to = undefined
    })
    const more = reachable(open, [redisPort]).filter((each) => !before.includes(each))
    assert.deepEqual(
      more.toSorted(),
      ['stock > order-db:6379', `stock > ${outside}:6379`].toSorted(),
    )
    const without = overlay('default').filter(({ metadata }) => metadata.name !== 'default-deny')
    assert.deepEqual(reachable(without, [22]), [])
    const none = overlay('default').filter(({ kind }) => kind !== 'NetworkPolicy')
    assert.ok(reachable(none, [22]).length > before.length)
  })
})
