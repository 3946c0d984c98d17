/**
 * helm-config/ read as it is: the values of the public charts fit the overlay that uses them, and
 * the scripts that install them say what they would do.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { readConfig } from '../lib/runtime/config.ts'
import { environmentOf, workloadsOf } from './kubernetes-rules.ts'
import { render } from './kustomize.ts'
import { diskFaults, memoryFaults, settingsOf } from './redis-launch.ts'
import { root } from './source-files.ts'

const folder = join(root, 'helm-config')
const values = (name: string) => parse(readFileSync(join(folder, name), 'utf8'))
const scripts = readdirSync(folder).filter((name) => name.endsWith('.sh'))
const services = ['order', 'payment', 'stock', 'orchestrator']
const resources = render(join(root, 'k8s/overlays/helm-redis'))
const workloads = workloadsOf(resources)

function dryRun(script: string): string[] {
  const text = execFileSync(join(folder, script), ['--dry-run'], { encoding: 'utf8' })
  return text.trim().split('\n')
}

test('an acknowledged write is on the disks of two machines', () => {
  const redis = values('redis.yaml')
  const lines = redis.commonConfiguration.trim().split('\n')
  for (const line of ['appendonly yes', 'appendfsync always', 'min-replicas-to-write 1']) {
    assert.ok(lines.includes(line), line)
  }
  const settings = settingsOf(redis.commonConfiguration)
  assert.deepEqual(memoryFaults('redis.yaml', settings, redis.replica.resources.limits.memory), [])
  assert.deepEqual(diskFaults('redis.yaml', settings, redis.replica.persistence.size), [])
  assert.equal(redis.architecture, 'replication')
  assert.equal(redis.sentinel.enabled, true)
  assert.ok(redis.replica.replicaCount >= 3)
  assert.ok(redis.sentinel.quorum > redis.replica.replicaCount / 2)
  assert.equal(redis.auth.enabled && redis.auth.sentinel, true)
})

test('each service finds its Sentinels, knows their password, and is let in', () => {
  const { auth, sentinel, networkPolicy } = values('redis.yaml')
  assert.deepEqual([networkPolicy.enabled, networkPolicy.allowExternal], [true, false])
  for (const name of services) {
    const database = `${name}-db`
    const { labels, containers } = workloads.find((each) => each.name === name)!
    const config = readConfig({}, environmentOf(resources, containers[0]))
    assert.equal(config.redisSentinels, `${database}:26379`)
    assert.equal(config.redisSentinelName, sentinel.masterSet)
    assert.equal(config.redisWaitReplicas, 1)
    const secret = resources.find(
      ({ kind, metadata }) => kind === 'Secret' && metadata.name === database,
    )
    const given: string = secret?.data[auth.existingSecretPasswordKey]
    const password = Buffer.from(given, 'base64').toString()
    assert.deepEqual([config.redisPassword, config.redisSentinelPassword], [password, password])
    const clients = Object.keys(labels).filter((label) => label.endsWith('-client'))
    assert.deepEqual(clients, [`${database}-client`])
    const policy = resources.find(
      ({ kind, metadata }) => kind === 'NetworkPolicy' && metadata.name === database,
    )
    assert.deepEqual(policy?.spec.egress[0].to[0].podSelector.matchLabels, {
      'app.kubernetes.io/instance': database,
    })
  }
})

test('the ingress is of the class that the chart makes', () => {
  const ingress = resources.find(({ kind }) => kind === 'Ingress')
  const { controller } = values('ingress-nginx.yaml')
  assert.equal(ingress?.spec.ingressClassName, controller.ingressClassResource.name)
  assert.equal(controller.config['proxy-next-upstream'], 'off')
})

test('the scripts are right to the shell', () => {
  assert.ok(scripts.length > 0)
  for (const script of scripts) execFileSync('sh', ['-n', join(folder, script)])
})

for (const script of ['install-minikube.sh', 'install-cluster.sh']) {
  test(`${script} installs both charts, and says so first`, () => {
    const lines = dryRun(script)
    const installs = lines.filter((line) => line.includes('helm upgrade --install'))
    assert.equal(installs.length, services.length + 1)
    for (const [index, service] of services.entries()) {
      const database = `${service}-db`
      assert.ok(installs[index]!.includes(`fullnameOverride=${database}`))
      assert.ok(installs[index]!.includes(`auth.existingSecret=${database}`))
    }
    for (const [, path = ''] of lines.join('\n').matchAll(/--values (\S+)/g)) {
      assert.ok(existsSync(path), path)
    }
    assert.ok(
      lines.every((line) => line.startsWith('+ ')),
      'nothing is done in a dry run',
    )
  })
}
