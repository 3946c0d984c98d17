import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { totalmem } from 'node:os'
import { test } from 'node:test'
import { readConfig } from '../../lib/runtime/config.ts'
import { seededRandom } from '../../lib/runtime/random.ts'
import { type Size, serviceNames, sizeNames } from '../../lib/runtime/topology.ts'
import { blockLength, newPasswords } from './engine-file.ts'
import { redisConf } from './redis-conf.ts'
import {
  brokerPort,
  brokerSpec,
  controllerPort,
  databaseSpecs,
  gatewaySpec,
  instancesOf,
  linkSpecs,
  listenerPort,
  serviceSpecs,
  watchdogSpecs,
} from './specs.ts'

const firstPort = 20_000

const planOf = (size: Size) => ({
  config: readConfig({ protocol: 'saga', audit: 'true' }, {}),
  file: {
    ...{ size, variant: 'saga/order', host: 'localhost', port: 8_000, partitions: 4, firstPort },
    passwords: newPasswords(seededRandom(1)),
    links: true,
    startedAt: 0,
  },
  ...{ data: '/data', root: '/till', node: 'node' },
})

for (const size of sizeNames) {
  test(`${size}: no two processes share a name or a port, and all ports are in the block`, () => {
    const plan = planOf(size)
    const specs = [
      ...databaseSpecs(plan),
      brokerSpec(plan, ['java']),
      ...linkSpecs(plan),
      ...serviceSpecs(plan),
      gatewaySpec(plan),
      ...watchdogSpecs(plan),
    ]
    assert.equal(new Set(specs.map(({ name }) => name)).size, specs.length)
    const ports = [
      ...[brokerPort(plan.file), controllerPort(plan.file)],
      ...instancesOf(plan.file).flatMap(({ port, internalPort }) => [port, internalPort]),
      ...databaseSpecs(plan).map(({ probe }) => ('port' in probe ? probe.port : 0)),
      ...watchdogSpecs(plan).map(({ env }) => Number(env.INTERNAL_PORT)),
      ...linkSpecs(plan).map(({ command }) => Number(command.at(-2))),
      ...serviceNames.map((service) => listenerPort(plan.file, service)),
    ]
    assert.equal(new Set(ports).size, ports.length)
    for (const port of ports) assert.ok(port >= firstPort && port < firstPort + blockLength)
  })
}

test('a service gets every setting of the start, and its own database and no other', () => {
  const plan = planOf('default')
  const specs = serviceSpecs(plan)
  for (const { env, name } of specs) {
    const config = readConfig({}, env)
    assert.deepEqual([config.protocol, config.audit, config.partitions], ['saga', true, 4])
    assert.deepEqual([config.storage, config.bus, config.instance], ['redis', 'kafka', name])
    const others = specs.filter((each) => each.name !== name)
    const secrets = others.map((other) => other.env.REDIS_PASSWORD)
    for (const secret of secrets) assert.ok(!JSON.stringify(env).includes(secret!))
  }
})

test('four full databases leave half of the machine to all others', () => {
  const conf = redisConf({ port: firstPort, directory: '/data', password: 'secret' })
  const [, megabytes] = /^maxmemory (\d+)mb$/m.exec(conf) ?? []
  assert.match(conf, /^maxmemory-policy noeviction$/m)
  assert.ok(Number(megabytes) > 0, 'without a limit a full one is ended by the kernel')
  assert.ok(serviceNames.length * Number(megabytes) <= totalmem() / 2 / 2 ** 20)
})

test('who has requests under way is not killed before they may have ended', () => {
  const plan = { ...planOf('default'), config: readConfig({ drainMs: '60000' }, {}) }
  for (const { name, stop } of [gatewaySpec(plan), ...serviceSpecs(plan)]) {
    assert.ok(stop !== undefined && stop.withinMs > 60_000, name)
  }
})

test('what listens inside is on loopback, where it is asked, whatever INTERNAL_HOST says', () => {
  const plan = { ...planOf('default'), config: readConfig({ internalHost: '10.0.0.1' }, {}) }
  for (const { name, env } of [...serviceSpecs(plan), ...watchdogSpecs(plan)]) {
    assert.equal(env.INTERNAL_HOST, '127.0.0.1', name)
  }
})

test('the heap of a service has a bound, whatever memory the machine has', () => {
  const tell = 'v8.getHeapStatistics().heap_size_limit / 2 ** 20'
  for (const { command, name } of serviceSpecs(planOf('default'))) {
    const options = command.slice(1, -1)
    const megabytes = Number(execFileSync(process.execPath, [...options, '-p', tell]))
    // The space of the young, a few dozen MB, comes on top.
    assert.ok(megabytes > 512 && megabytes < 700, `${name}: ${megabytes} MB`)
  }
})
