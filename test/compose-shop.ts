/**
 * A shop in containers (docker-compose*.yml), under a project name and on ports of its own, for the
 * suites of this folder. Its image is built when it is first needed.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { kinds, type ProcessKind } from '../watchdog/process-spec.ts'
import type { BreakableShop } from './fault-tolerance.ts'
import { freePorts, freePortsInARow } from './free-ports.ts'
import { httpRecords } from './http-records.ts'
import { Shop } from './shop.ts'
import { root } from './source-files.ts'
import type { Variant } from './variants.ts'

const run = promisify(execFile)
const project = 'till-test'
const services = ['order', 'payment', 'stock', 'orchestrator'] as const
type ServiceName = (typeof services)[number]
/** Limits with which every size starts. */
const smallMachine = 'env/small-machine.env'
const healthySeconds = 300
/** Nothing that compose does takes longer. */
const commandWithinMs = 600_000

type Environment = Readonly<Record<string, string>>

/** Undefined where a Docker engine and compose v2 are; else what is missing, in capitals. */
export async function missingDocker(): Promise<string | undefined> {
  const isThere = async (...words: string[]) =>
    run('docker', words).then(
      () => true,
      () => false,
    )
  const [engine, compose] = await Promise.all([isThere('info'), isThere('compose', 'version')])
  if (engine && compose) return undefined
  return `NOTHING WAS TESTED IN CONTAINERS: START ${engine ? 'COMPOSE V2' : 'A DOCKER ENGINE'}`
}

/** `docker compose` on some of the project's files. */
class Compose {
  readonly #files: readonly string[]
  readonly #environment: Environment

  constructor(files: readonly string[], environment: Environment) {
    this.#files = files
    this.#environment = environment
  }

  async run(...words: string[]): Promise<string> {
    const settings = Object.entries(this.#environment).map(([name, value]) => `${name}=${value}`)
    const files = this.#files.flatMap((file) => ['-f', file])
    const compose = ['docker', 'compose', '--env-file', smallMachine, '-p', project, ...files]
    const { stdout } = await run('env', [...settings, ...compose, ...words], {
      cwd: root,
      timeout: commandWithinMs,
      maxBuffer: 64 * 1_048_576,
    })
    return stdout
  }

  /** Starts it; rejects, with what the containers said, if it does not become healthy. */
  async up(): Promise<void> {
    await this.run('build', '--quiet')
    const wait = ['--wait', '--wait-timeout', String(healthySeconds)]
    await this.run('up', '--detach', '--quiet-pull', ...wait).catch(async (error) => {
      const logs = await this.run('logs', '--no-color', '--tail', '15')
      throw new Error(`The shop did not become healthy: ${error.stderr}\n${logs}`)
    })
  }

  /** Its data too. */
  down = () => this.run('down', '--volumes', '--remove-orphans', '--timeout', '20')
}

export interface ContainerShop extends BreakableShop {
  /** `docker stop` without patience, which no watchdog undoes, and `docker start`. */
  stop(name: string): Promise<void>
  start(name: string): Promise<void>
}

export interface ComposeOptions {
  /** One of the project's. */
  readonly file: string
  /** Of each service. */
  readonly instances: number
}

const oneOfEach: ComposeOptions = { file: 'docker-compose.yml', instances: 1 }

/** Healthy, within the limits of a small machine. */
export async function composeShop(
  variant: Variant,
  { file, instances }: ComposeOptions = oneOfEach,
): Promise<ContainerShop> {
  const [port] = await freePorts(1)
  const first = await freePortsInARow(services.length * instances)
  const portOf = (name: ServiceName, index: number) =>
    first + services.indexOf(name) * instances + index
  const range = (name: ServiceName) => `${portOf(name, 0)}-${portOf(name, instances - 1)}`
  const compose = new Compose([file, 'test/compose-override.yml'], {
    PROTOCOL: variant.protocol,
    COORDINATION: variant.coordination,
    AUDIT: 'true',
    TILL_PORT: String(port),
    ...Object.fromEntries(
      services.map((name) => [`${name.toUpperCase()}_INTERNAL_PORTS`, range(name)]),
    ),
  })
  try {
    await compose.up()
  } catch (error) {
    await compose.down()
    throw error
  }
  const shop = new Shop(`http://127.0.0.1:${port}`)
  const of = (name: ServiceName) =>
    Array.from({ length: instances }, (_, index) => `http://127.0.0.1:${portOf(name, index)}`)
  const records = httpRecords({
    order: of('order'),
    payment: of('payment'),
    stock: of('stock'),
    orchestrator: of('orchestrator'),
  })
  const close = async () => {
    await Promise.all([shop.close(), records.close()])
    await compose.down()
  }
  const parts = await containers()
  return { variant, shop, records, close, parts, kill, stop, start, runOf }
}

/** What a watchdog would find: the labels say what each is. */
async function containers(): Promise<BreakableShop['parts']> {
  const ofProject = ['--filter', `label=com.docker.compose.project=${project}`]
  const watched = ['--filter', 'label=till.watch=true']
  const format = '{{.Names}} {{.Label "till.kind"}}'
  const { stdout } = await run('docker', ['ps', ...ofProject, ...watched, '--format', format])
  return stdout
    .trim()
    .split('\n')
    .map((line) => {
      const [name, kind] = line.split(' ') as [string, ProcessKind]
      assert.ok(kinds.includes(kind), line)
      return { name, kind }
    })
}

async function kill(name: string): Promise<void> {
  await run('docker', ['kill', name])
}

async function stop(name: string): Promise<void> {
  await run('docker', ['stop', '--time', '0', name])
}

async function start(name: string): Promise<void> {
  await run('docker', ['start', name])
}

async function runOf(name: string): Promise<string | undefined> {
  const format = '{{.State.Running}} {{.State.StartedAt}}'
  const { stdout } = await run('docker', ['inspect', '--format', format, name])
  return stdout.startsWith('true') ? stdout : undefined
}
