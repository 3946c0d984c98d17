/** Three brokers for a test file, each topic with a copy on all of them. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningBroker, startBroker } from '../cli/engines/kafka-broker.ts'
import type { BrokerOptions } from '../cli/engines/kafka-settings.ts'
import { createTopics } from '../lib/bus/kafka-topics.ts'
import { type Config, readConfig } from '../lib/runtime/config.ts'
import { freePorts } from './free-ports.ts'

const size = 3
const heapMb = 256

export class BrokersForTests {
  readonly #options: readonly BrokerOptions[]
  readonly #running: RunningBroker[]

  private constructor(options: readonly BrokerOptions[], running: RunningBroker[]) {
    this.#options = options
    this.#running = running
  }

  static async start(properties: Readonly<Record<string, string>>): Promise<BrokersForTests> {
    const ports = await freePorts(2 * size)
    const voters = Array.from({ length: size }, (_, index) => ({
      nodeId: index + 1,
      controllerPort: ports[size + index]!,
    }))
    const options = await Promise.all(
      voters.map(async ({ nodeId, controllerPort }, index) => ({
        directory: await mkdtemp(join(tmpdir(), 'till-kafka-')),
        port: ports[index]!,
        ...{ nodeId, controllerPort, voters, heapMb, properties },
      })),
    )
    const running = await Promise.all(options.map((each) => startBroker(each)))
    return new BrokersForTests(options, running)
  }

  /** Settings of the shop, with its topics made. */
  async shop(): Promise<Config> {
    const addresses = this.#options.map(({ port }) => `127.0.0.1:${port}`)
    const config = readConfig(
      {
        ...{ bus: 'kafka', partitions: '6', kafkaReplication: String(size), kafkaInboxes: '8' },
        ...{ kafkaBrokers: addresses.join(','), kafkaPrefix: 'shop', logLevel: 'silent' },
      },
      {},
    )
    await createTopics(config)
    return config
  }

  signal(index: number, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running[index]!.process.kill(signal)
  }

  async restart(index: number): Promise<void> {
    this.#running[index]!.process.kill('SIGKILL')
    await this.#running[index]!.ended
    this.#running[index] = await startBroker(this.#options[index]!)
  }

  async stop(): Promise<void> {
    await Promise.all(
      this.#running.map(async (broker) => {
        broker.process.kill('SIGKILL')
        await broker.ended
      }),
    )
    const directories = this.#options.map(({ directory }) => directory)
    await Promise.all(directories.map((each) => rm(each, { recursive: true, force: true })))
  }
}
