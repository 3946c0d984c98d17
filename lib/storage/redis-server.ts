/**
 * A Redis server of a test's own: a process on a port of this machine, its data in a directory that
 * goes with it. Stopped, killed, frozen and started again on the data that it left.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../runtime/clock.ts'

const answersWithinMs = 10_000
const lookEveryMs = 10

export const hasRedis = (): boolean => spawnSync('redis-server', ['--version']).status === 0

export class RedisServer {
  readonly port: number
  readonly directory = mkdtempSync(join(tmpdir(), 'till-redis-'))
  readonly #flags: readonly string[]
  #child: ChildProcess | undefined

  /** `flags` as on the command line, after those that make every write durable. */
  constructor(port: number, flags: readonly string[] = []) {
    this.port = port
    this.#flags = flags
  }

  async start(): Promise<void> {
    const always = ['--port', `${this.port}`, '--bind', '127.0.0.1', '--dir', this.directory]
    const argv = [...this.kind(), ...always, ...this.#flags]
    this.#child = spawn('redis-server', argv, { stdio: 'ignore' })
    const giveUpAt = systemClock.now() + answersWithinMs
    while (!(await isListening(this.port))) {
      if (this.#child.exitCode !== null || systemClock.now() > giveUpAt) {
        throw new Error(`redis-server on port ${this.port} does not answer`)
      }
      await systemClock.sleep(lookEveryMs)
    }
  }

  protected kind(): readonly string[] {
    return ['--appendonly', 'yes', '--appendfsync', 'always', '--save', '']
  }

  /** Words for redis-cli; rejects if the server refuses them. */
  async command(...words: string[]): Promise<string> {
    const argv = ['-h', '127.0.0.1', '-p', `${this.port}`, '-e', ...words]
    const { status, stdout, stderr } = spawnSync('redis-cli', argv, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`redis-cli ${words.join(' ')}: ${stdout}${stderr}`)
    return stdout
  }

  signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal)
  }

  async kill(): Promise<void> {
    const child = this.#child
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  async remove(): Promise<void> {
    await this.kill()
    rmSync(this.directory, { recursive: true, force: true })
  }
}

/** A Sentinel that watches one primary and replaces it when two of them find it away. */
export class RedisSentinel extends RedisServer {
  readonly #primary: number

  constructor(port: number, primary: number) {
    super(port)
    this.#primary = primary
  }

  protected override kind(): readonly string[] {
    const conf = join(this.directory, 'sentinel.conf')
    writeFileSync(
      conf,
      `port ${this.port}
sentinel monitor ${sentinelName} 127.0.0.1 ${this.#primary} 2
sentinel down-after-milliseconds ${sentinelName} 500
sentinel failover-timeout ${sentinelName} 3000
`,
    )
    return [conf, '--sentinel']
  }
}

/** What the Sentinels of a test call the primary. */
export const sentinelName = 'shop'

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}
