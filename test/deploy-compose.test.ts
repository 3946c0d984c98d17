/**
 * The compose files, the image and env/ read as they are and held to the rules, without Docker.
 * Whether they run: compose.test.ts.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { neededProperties } from '../cli/engines/kafka-settings.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { settings } from '../lib/runtime/settings.ts'
import {
  containerPorts,
  type DatabaseShape,
  gatewayPort,
  type Size,
  serviceNames,
  sizeNames,
  sizes,
  type Topology,
} from '../lib/runtime/topology.ts'
import {
  type ComposeFile,
  type Container,
  readCompose,
  readEnvironment,
  type Variables,
  type Yaml,
} from './compose-files.ts'
import {
  jobsOf,
  limitFaults,
  neighboursOf,
  profileFaults,
  published,
  referenceFaults,
  watchFaults,
} from './compose-rules.ts'
import { megabytes, memoryFaults, startedWith } from './redis-launch.ts'
import { root } from './source-files.ts'
import { variants } from './variants.ts'

const pathOf = (size: Size) => `docker-compose${size === 'default' ? '' : `-${size}`}.yml`
const textOf = (path: string) => readFileSync(join(root, path), 'utf8')
/** A few CPUs more or less are meant by "about". */
const cpus: Readonly<Record<Size, readonly [least: number, most: number]>> = {
  default: [0, 16],
  medium: [45, 55],
  large: [85, 95],
}
const kafkaPort = 9092
const controllerPort = 9093
const redisPort = 6379
const variables = new Set(Object.values(settings).map(({ variable }) => variable as string))

const called = ({ containers }: ComposeFile, name: string): Container => {
  const found = containers.find((each) => each.name === name)
  assert.ok(found !== undefined, `there is no ${name}`)
  return found
}
const startingWith = ({ containers }: ComposeFile, pattern: RegExp) =>
  containers.map(({ name }) => name).filter((name) => pattern.test(name))

const serversOf = (shape: DatabaseShape): number => {
  if (shape.kind === 'single') return 1
  if (shape.kind === 'sentinel') return 1 + shape.replicas
  return shape.primaries * (1 + shape.replicas)
}

const composeIsMissing = missingCompose()

function missingCompose(): { skip: string | false } {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'pipe' })
    return { skip: false }
  } catch {
    return { skip: 'NOT TESTED THAT COMPOSE READS IT SO: INSTALL docker compose v2' }
  }
}

/** Nothing but what is given is in its environment, and no .env is read. */
function composeConfig(size: Size, given: Variables) {
  const { PATH, HOME } = process.env
  const files = ['--env-file', '/dev/null', '-f', pathOf(size)]
  const text = execFileSync('docker', ['compose', ...files, 'config', '--format', 'json'], {
    cwd: root,
    encoding: 'utf8',
    env: { PATH, HOME, ...given },
  })
  return JSON.parse(text)
}

/** The fixed address of a container that is in one network. */
const addressOf = (networks: Yaml): string | undefined =>
  Object.values<Yaml>(networks)[0]?.ipv4_address

for (const size of sizeNames) {
  describe(pathOf(size), () => {
    const topology: Topology = sizes[size]
    const file = readCompose(pathOf(size))
    const jobs = jobsOf(file)
    const serving = file.containers.filter((each) => !jobs.includes(each))
    const ours = file.containers.filter(({ spec }) => spec.image === 'till:latest')
    const services = serviceNames.map((name) => called(file, name))
    const brokers = startingWith(file, /^kafka(-\d)?$/)

    test('every container has no more rights than it needs', () => {
      assert.deepEqual(file.containers.flatMap(profileFaults), [])
    })

    test('every container is limited, and of a pinned image', () => {
      assert.deepEqual(file.containers.flatMap(limitFaults), [])
    })

    test('every container that serves is asked whether it is well', () => {
      assert.deepEqual(serving.flatMap(watchFaults), [])
      for (const { name, spec } of jobs) assert.equal(spec.labels, undefined, name)
    })

    test('names that parts give one another are there', () => {
      assert.deepEqual(referenceFaults(file), [])
    })

    test('every environment variable of our image is a setting, and right', () => {
      for (const { name, environment } of ours) {
        const unknown = Object.keys(environment).filter((each) => !variables.has(each))
        assert.deepEqual(unknown, [], name)
        readConfig({}, environment)
      }
    })

    test('every environment variable of a Redis is read by what starts it', () => {
      const scripts = ['env/start-redis.sh', 'env/make-cluster.sh'].map(textOf).join('\n')
      const original = Object.keys(readEnvironment('env/order_redis.env'))
      for (const { name, environment, spec } of file.containers) {
        if (!spec.image.startsWith('redis:')) continue
        for (const variable of Object.keys(environment)) {
          const isRead = original.includes(variable) || scripts.includes(`$${variable}`)
          assert.ok(isRead || scripts.includes(`\${${variable}:-`), `${name}: ${variable}`)
        }
      }
    })

    test('there are as many of each as the table of sizes says', () => {
      const { containers, database, watchdogs } = topology
      for (const { name, instances, environment } of services) {
        assert.equal(instances, containers[name as keyof typeof containers], name)
        const config = readConfig({}, environment)
        assert.equal(config.partitions, topology.partitions)
        assert.ok(instances <= config.partitions, 'an instance without a partition is idle')
        assert.equal(config.redisWaitReplicas, topology.waitReplicas)
        // Orders ask; there may be as many as partitions, and each draws its inbox.
        assert.ok(config.kafkaInboxes >= 2 * config.partitions)
        const servers = startingWith(file, new RegExp(`^${name}-db(-\\d)?$`))
        assert.equal(servers.length, serversOf(database))
      }
      const sentinels = startingWith(file, /^sentinel-\d$/)
      assert.equal(sentinels.length, database.kind === 'sentinel' ? database.sentinels : 0)
      assert.equal(startingWith(file, /^watchdog-\d$/).length, watchdogs)
      assert.equal(brokers.length, topology.brokers)
    })

    test('all of our processes agree on the data and the bus', () => {
      const shared = ['PARTITIONS', 'KAFKA_BROKERS', 'KAFKA_INBOXES', 'KAFKA_PREFIX']
      const busUsers = [...services, called(file, 'topics')]
      for (const variable of shared) {
        const values = new Set(busUsers.map(({ environment }) => environment[variable]))
        assert.equal(values.size, 1, variable)
      }
      const { kafkaBrokers } = readConfig({}, services[0]!.environment)
      assert.equal(kafkaBrokers, brokers.map((name) => `${name}:${kafkaPort}`).join(','))
      const topics = readConfig({}, called(file, 'topics').environment)
      assert.equal(topics.kafkaReplication, topology.replication)
    })

    test('brokers, voters and copies agree in number', () => {
      const voters = brokers.map((name, index) => `${index + 1}@${name}:${controllerPort}`)
      for (const [index, name] of brokers.entries()) {
        const { environment } = called(file, name)
        assert.equal(environment.KAFKA_NODE_ID, String(index + 1))
        assert.equal(environment.KAFKA_ADVERTISED_LISTENERS, `PLAINTEXT://${name}:${kafkaPort}`)
        assert.equal(environment.KAFKA_CONTROLLER_QUORUM_VOTERS, voters.join(','))
        for (const [property, value] of Object.entries(neededProperties(brokers.length))) {
          const variable = `KAFKA_${property.replaceAll('.', '_').toUpperCase()}`
          assert.equal(environment[variable], value, variable)
        }
      }
    })

    test('a broker writes no log of its garbage collection, which would fill its memory', () => {
      for (const name of brokers) {
        const { EXTRA_ARGS } = called(file, name).environment
        assert.deepEqual(EXTRA_ARGS?.split(' '), ['-name', 'kafkaServer'])
      }
    })

    test('a service is told where its own database is', () => {
      for (const { name, environment } of services) {
        const config = readConfig({}, environment)
        const servers = startingWith(file, new RegExp(`^${name}-db-\\d$`))
        if (topology.database.kind === 'single') assert.equal(config.redisHost, `${name}-db`)
        if (topology.database.kind === 'cluster') {
          const known = config.redisCluster.split(',')
          const all = servers.map((server) => `${server}:${redisPort}`)
          assert.ok(known.length > 1 && known.every((each) => all.includes(each)), name)
        }
        if (topology.database.kind === 'sentinel') {
          assert.equal(config.redisSentinelName, `${name}-db`)
          const sentinels = startingWith(file, /^sentinel-\d$/)
          assert.equal(config.redisSentinels, sentinels.map((each) => `${each}:26379`).join(','))
          for (const sentinel of sentinels) {
            const { environment } = called(file, sentinel)
            assert.equal(environment.REDIS_SENTINEL_PASSWORD, config.redisSentinelPassword)
            const first = addressOf(called(file, `${name}-db-1`).spec.networks)
            const watched = environment.DATABASES!.split(' ')
            assert.ok(watched.includes(`${config.redisSentinelName}=${first}`), sentinel)
          }
        }
        for (const server of startingWith(file, new RegExp(`^${name}-db(-\\d)?$`))) {
          const { environment, spec } = called(file, server)
          assert.equal(environment.REDIS_PASSWORD, config.redisPassword, server)
          if (topology.database.kind === 'cluster') assert.equal(spec.hostname, server)
          if (topology.database.kind === 'sentinel') {
            const first = addressOf(called(file, `${name}-db-1`).spec.networks)
            assert.equal(environment.REDIS_FIRST_PRIMARY, first, server)
            assert.notEqual(addressOf(spec.networks), undefined, server)
          }
        }
      }
    })

    test('a service reaches its own database and the bus, no other database', () => {
      const isNeighbour = new Set(neighboursOf(file))
      const reaches = (one: string, other: string) =>
        isNeighbour.has([one, other].toSorted().join(' - '))
      for (const service of serviceNames) {
        for (const other of serviceNames) {
          for (const server of startingWith(file, new RegExp(`^${other}-db(-\\d)?$`))) {
            assert.equal(reaches(service, server), service === other, `${service}, ${server}`)
            assert.ok(!reaches('gateway', server) && !reaches('topics', server), server)
            for (const broker of brokers) assert.ok(!reaches(broker, server), server)
          }
        }
        for (const broker of brokers) assert.ok(reaches(service, broker))
        assert.equal(reaches('gateway', service), service !== 'orchestrator')
      }
      for (const broker of brokers) assert.ok(!reaches('gateway', broker))
    })

    test('nothing but the gateway is reached from outside, or reaches it', () => {
      assert.deepEqual(published(file), [`gateway: ${gatewayPort}:${gatewayPort}`])
      for (const [name, network] of Object.entries(file.networks)) {
        assert.equal(network?.internal === true, name !== 'front', name)
      }
    })

    test('no service knows the password of those who change Redis itself', () => {
      for (const { name, environment } of ours) {
        assert.equal(environment.REDIS_OPERATOR_PASSWORD, undefined, name)
      }
    })

    test('the limits sum to what its head says, and each of them can be set', () => {
      const ofEach = serving.map(({ spec, instances }) => Number(spec.cpus) * instances)
      const sum = ofEach.reduce((total, each) => total + each, 0)
      const [least, most] = cpus[size]
      assert.ok(sum >= least && sum <= most, `${sum} CPUs`)
      const small = readCompose(pathOf(size), {
        ...Object.fromEntries(
          ['SERVICE', 'REDIS', 'SENTINEL', 'KAFKA', 'GATEWAY', 'WATCHDOG'].map((name) => [
            `${name}_CPUS`,
            '0.125',
          ]),
        ),
        KAFKA_HEAP: '300m',
        KAFKA_MEMORY: '700m',
      })
      for (const { name, spec, environment } of small.containers) {
        assert.equal(spec.cpus, '0.125', name)
        if (!brokers.includes(name)) continue
        assert.equal(spec.mem_limit, '700m')
        assert.equal(environment.KAFKA_HEAP_OPTS, '-Xms300m -Xmx300m')
      }
    })

    test('a full Redis refuses writes before its container has no memory left', () => {
      for (const given of [{}, { REDIS_MEMORY: '640m' }] as readonly Variables[]) {
        const { containers } = readCompose(pathOf(size), given)
        const databases = containers.filter(({ name }) => /-db(-\d)?$/.test(name))
        const limits = new Set(databases.map(({ spec }) => megabytes(spec.mem_limit)))
        assert.deepEqual([...limits], [given.REDIS_MEMORY === undefined ? 1_024 : 640])
        // Those of one kind start alike: one of each is enough to run.
        const [{ name, spec, environment }] = databases as [Container]
        for (const each of databases) {
          assert.equal(each.environment.REDIS_MEMORY, each.spec.mem_limit, each.name)
          assert.deepEqual(each.spec.command, spec.command, each.name)
        }
        const words = ['env/start-redis.sh', ...spec.command]
        const settings = startedWith(words, environment)
        assert.deepEqual(memoryFaults(name, settings, spec.mem_limit), [])
      }
    })

    test('the variant is that of the environment', () => {
      for (const { name, protocol, coordination } of variants) {
        const chosen = readCompose(pathOf(size), { PROTOCOL: protocol, COORDINATION: coordination })
        for (const service of serviceNames) {
          const { environment } = called(chosen, service)
          const config = readConfig({}, environment)
          assert.equal(`${config.protocol}/${config.coordination}`, name)
        }
      }
    })

    test('compose reads it as these tests do', composeIsMissing, () => {
      const given: Variables = { PROTOCOL: 'saga', KAFKA_HEAP: '321m' }
      const theirs = composeConfig(size, given)
      const mine = readCompose(pathOf(size), given)
      assert.deepEqual(
        Object.keys(theirs.services).toSorted(),
        mine.containers.map(({ name }) => name).toSorted(),
      )
      for (const { name, environment, networks, dependsOn, instances, spec } of mine.containers) {
        const their = theirs.services[name]
        assert.deepEqual(their.environment ?? {}, environment, name)
        assert.deepEqual(Object.keys(their.networks), Object.keys(networks).toSorted(), name)
        assert.deepEqual(
          Object.keys(their.depends_on ?? {}).toSorted(),
          Object.keys(dependsOn).toSorted(),
          name,
        )
        assert.equal(their.scale ?? their.deploy?.replicas ?? 1, instances, name)
        assert.equal(their.cpus, Number(spec.cpus), name)
        assert.equal(their.user, spec.user, name)
        for (const list of ['tmpfs', 'cap_drop', 'security_opt']) {
          assert.deepEqual(their[list], spec[list], `${name}: ${list}`)
        }
        assert.deepEqual(their.labels, spec.labels, name)
        assert.equal(their.volumes?.length ?? 0, spec.volumes.length, name)
      }
    })
  })
}

test('each service has a Redis file as users of the original layout expect it', () => {
  for (const service of serviceNames) {
    const file = readEnvironment(`env/${service}_redis.env`)
    const names = ['REDIS_HOST', 'REDIS_PORT', 'REDIS_PASSWORD', 'REDIS_DB']
    assert.deepEqual(Object.keys(file), names)
    assert.equal(readConfig({}, file).redisHost, `${service}-db`)
    assert.ok(file.REDIS_PASSWORD !== '')
  }
  const passwords = readdirSync(join(root, 'env'))
    .filter((name) => name.endsWith('_redis.env'))
    .flatMap((name) =>
      Object.entries(readEnvironment(`env/${name}`)).flatMap(([key, value]) =>
        key.endsWith('PASSWORD') ? [value] : [],
      ),
    )
  assert.equal(new Set(passwords).size, passwords.length, 'each has a password of its own')
})

test('the limits for a small machine are those that the compose files have', () => {
  const text = sizeNames.map(pathOf).concat('env/parts.yml').map(textOf).join('\n')
  for (const name of Object.keys(readEnvironment('env/small-machine.env'))) {
    assert.ok(text.includes(`\${${name}:-`), name)
  }
})

describe('the image', () => {
  const text = textOf('Dockerfile')
  const instructions = text.split('\n').filter((line) => /^[A-Z]+ /.test(line))

  test('its processes listen where they are looked for, and are nobody in particular', () => {
    const given = [...text.matchAll(/\b([A-Z_]+)=(\S+)/g)].filter(([, name]) =>
      variables.has(name!),
    )
    const config = readConfig(
      {},
      Object.fromEntries(given.map(([, name, value]) => [name!, value!])),
    )
    assert.deepEqual(
      [config.host, config.port, config.internalHost, config.internalPort],
      ['0.0.0.0', containerPorts.public, '0.0.0.0', containerPorts.internal],
    )
    assert.equal(
      instructions.findLast((line) => line.startsWith('USER ')),
      'USER node',
    )
  })

  test('it is made of what is pinned, and of our own sources only', () => {
    const bases = instructions.filter((line) => line.startsWith('FROM '))
    for (const base of bases) assert.match(base, /^FROM node:26-bookworm-slim( AS \w+)?$/)
    const [all, ...kept] = textOf('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
    assert.equal(all, '*')
    const folders = kept.filter((line) => line.startsWith('!')).map((line) => line.slice(1))
    const runs = sizeNames.flatMap((size) =>
      readCompose(pathOf(size)).containers.flatMap(({ spec }) =>
        spec.image === 'till:latest'
          ? spec.command.filter((word: string) => word.endsWith('.ts'))
          : [],
      ),
    )
    for (const path of [...runs, 'lib/', 'protocol/', 'package.json', 'package-lock.json']) {
      assert.ok(folders.includes(path.split('/')[0]!), `${path} is not in the image`)
    }
    for (const folder of ['test', 'sim', 'bench', 'env', 'k8s', 'node_modules', '.git']) {
      assert.ok(!folders.includes(folder), `${folder} is in the image`)
    }
  })
})

describe('the rules find what is wrong', () => {
  const changed = (name: string, change: (spec: Container['spec']) => object): Container => {
    const container = called(readCompose('docker-compose.yml'), name)
    return { ...container, spec: { ...container.spec, ...change(container.spec) } }
  }

  test('in rights', () => {
    const spoilers = [
      { user: undefined },
      { user: 'root' },
      { user: '0:0' },
      { read_only: undefined },
      { cap_drop: ['NET_RAW'] },
      { security_opt: [] },
      { init: false },
      { volumes: ['/etc:/etc'] },
      { volumes: ['./env:/env'] },
      { volumes: ['/var/run/docker.sock:/var/run/docker.sock'] },
    ]
    for (const spoiled of spoilers) {
      assert.equal(profileFaults(changed('order', () => spoiled)).length, 1, String(spoiled))
    }
  })

  test('in limits and images', () => {
    const spoilers = [
      { cpus: undefined },
      { mem_limit: undefined },
      { pids_limit: undefined },
      { logging: { driver: 'json-file' } },
      { tmpfs: ['/tmp'] },
      { image: 'redis:latest' },
      { image: 'redis:7' },
    ]
    for (const spoiled of spoilers) {
      assert.equal(limitFaults(changed('order-db', () => spoiled)).length, 1, String(spoiled))
    }
    // Without a tag it is not pinned, either.
    assert.equal(limitFaults(changed('order-db', () => ({ image: 'redis' }))).length, 2)
  })

  test('in health checks and labels', () => {
    const spoilers: readonly ((spec: Container['spec']) => object)[] = [
      ({ healthcheck }) => ({ healthcheck: { ...healthcheck, test: undefined } }),
      ({ healthcheck }) => ({ healthcheck: { ...healthcheck, timeout: undefined } }),
      ({ labels }) => ({ labels: { ...labels, 'till.watch': 'yes' } }),
      ({ labels }) => ({ labels: { ...labels, 'till.kind': 'cache' } }),
      ({ labels }) => ({ labels: { ...labels, 'till.probe': '{"kind":"redis"}' } }),
    ]
    for (const spoil of spoilers) {
      assert.equal(watchFaults(changed('stock-db', spoil)).length, 1, String(spoil))
    }
  })

  test('in names and networks', () => {
    const file = readCompose('docker-compose.yml')
    const before = neighboursOf(file)
    const others = file.containers.filter(({ name }) => name !== 'order')
    const order = called(file, 'order')
    const networks = { ...order.networks, 'stock-data': null }
    const open = { ...file, containers: [...others, { ...order, networks }] }
    assert.deepEqual(
      neighboursOf(open).filter((pair) => !before.includes(pair)),
      ['order - stock-db'],
    )
    const volumes = { ...file.volumes, spare: null }
    const spoiled = {
      ...file,
      volumes,
      containers: [
        ...others,
        { ...order, networks: { outer: null }, dependsOn: { nobody: { condition: '' } } },
        changed('stock-db', () => ({ volumes: ['order-data:/data', 'none:/none'] })),
      ],
    }
    assert.equal(referenceFaults(spoiled).length, 5)
  })
})
