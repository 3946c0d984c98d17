/** A broker for a test file, with fresh topics for whoever asks, and buses over it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RunningBroker, startBroker } from '../cli/engines/kafka-broker.ts'
import type { BrokerOptions } from '../cli/engines/kafka-settings.ts'
import type { Bus } from '../lib/bus/bus.ts'
import { openKafkaBus } from '../lib/bus/kafka.ts'
import { createTopics } from '../lib/bus/kafka-topics.ts'
import { type Config, type Overrides, readConfig } from '../lib/runtime/config.ts'
import { createLog } from '../lib/runtime/log.ts'
import { freePorts } from './free-ports.ts'

export class BrokerForTests {
  readonly options: BrokerOptions
  #running: RunningBroker
  #shops = 0
  readonly #access: Overrides

  private constructor(options: BrokerOptions, running: RunningBroker, access: Overrides) {
    this.options = options
    this.#running = running
    this.#access = access
  }

  static async start(
    special: Partial<BrokerOptions> | ((port: number) => Partial<BrokerOptions>) = {},
    access: Overrides = {},
  ): Promise<BrokerForTests> {
    const [port, controllerPort] = await freePorts(2)
    const directory = await mkdtemp(join(tmpdir(), 'till-kafka-'))
    const more = typeof special === 'function' ? special(port!) : special
    const options = { directory, port: port!, controllerPort: controllerPort!, ...more }
    return new BrokerForTests(options, await startBroker(options), access)
  }

  async kill(): Promise<void> {
    this.#running.process.kill('SIGKILL')
    await this.#running.ended
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#running.process.kill(signal)
  }

  async restart(): Promise<void> {
    this.#running = await startBroker(this.options)
  }

  async stop(): Promise<void> {
    await this.#running.stop()
    await rm(this.options.directory, { recursive: true, force: true })
  }

  /** Settings of a shop that nobody else has, its topics not made. */
  config(overrides: Overrides = {}): Config {
    return readConfig(
      {
        bus: 'kafka',
        partitions: '3',
        kafkaBrokers: `127.0.0.1:${this.options.port}`,
        kafkaPrefix: `shop${++this.#shops}`,
        kafkaInboxes: '8',
        logLevel: 'silent',
        ...this.#access,
        ...overrides,
      },
      {},
    )
  }

  /** The same, with its topics. */
  async shop(overrides: Overrides = {}): Promise<Config> {
    const config = this.config(overrides)
    await createTopics(config)
    return config
  }
}

export const openBus = (config: Config, instance = 'one'): Promise<Bus> =>
  openKafkaBus({ ...config, instance }, createLog(config.logLevel))
