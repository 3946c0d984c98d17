/**
 * One Kafka broker (KRaft) as a process on this machine.
 *
 * `prepareBroker` writes its settings and formats its data, once; `brokerCommand` is the line that
 * runs it; `untilBrokerAnswers` waits for it; `startBroker` does all three. Promise: data that is
 * there is never formatted again, so a broker that was killed comes back with its topics.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { createWriteStream, existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { systemClock } from '../../lib/runtime/clock.ts'
import { unusableData } from '../data-directory.ts'
import { CommandFailure } from '../failure.ts'
import { hasKafkaJars, kafkaClassArchive, kafkaLibraries } from './kafka-install.ts'
import { type BrokerOptions, brokerHost, serverProperties } from './kafka-settings.ts'
import { runToEnd } from './run-to-end.ts'

/** All brokers of one cluster must agree, and a cluster lives on one machine here. */
const clusterId = 'VGlsbC1vZi1hLXNob3AhIQ'
const defaultHeapMb = 384
const formatWithinMs = 60_000
const defaultStartMs = 60_000
const askEveryMs = 100
const askPatienceMs = 1_000

export interface CommandLine {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Throws CommandFailure where Kafka's jars are missing or the data cannot be formatted, also
 * because of `signal`; what formats it has ended then. Throws ShopError where the disk is full.
 */
export async function prepareBroker(options: BrokerOptions, signal?: AbortSignal): Promise<void> {
  if (!hasKafkaJars()) {
    throw new CommandFailure("Kafka's jars are missing: run ./till engines install.")
  }
  const settings = settingsFile(options)
  try {
    await mkdir(options.directory, { recursive: true })
    await writeFile(settings, serverProperties(options))
  } catch (error) {
    throw unusableData(options.directory, error)
  }
  const format = ['kafka.tools.StorageTool', 'format', '--ignore-formatted', '-t', clusterId]
  const { scram } = options
  const users =
    scram === undefined ? [] : ['SHA-256', 'SHA-512'].flatMap((hash) => userOf(hash, scram))
  await runToEnd('java', [...onClassPath, ...format, '-c', settings, ...users], {
    timeout: formatWithinMs,
    signal,
  }).catch((error) => {
    throw new CommandFailure(`Kafka cannot format ${options.directory}: ${error.message}`)
  })
}

const userOf = (hash: string, scram: { username: string; password: string }) => [
  '--add-scram',
  `SCRAM-${hash}=[name=${scram.username},password=${scram.password}]`,
]

/** The line that runs a prepared broker in the foreground. */
export function brokerCommand(options: BrokerOptions): CommandLine {
  const heap = options.heapMb ?? defaultHeapMb
  return {
    file: 'java',
    args: [
      `-Xmx${heap}m`,
      '-XX:+UseSerialGC',
      ...archiveOptions(options),
      '-XX:+ExitOnOutOfMemoryError',
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-Dorg.slf4j.simpleLogger.showDateTime=true',
      ...onClassPath,
      'kafka.Kafka',
      settingsFile(options),
    ],
  }
}

/** Only its file is looked at: the JVM does without an archive that does not fit. */
function archiveOptions({ archiveInto }: BrokerOptions): readonly string[] {
  if (archiveInto !== undefined) return [`-XX:ArchiveClassesAtExit=${archiveInto}`]
  const archive = kafkaClassArchive()
  return existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
}

const onClassPath = ['-cp', join(kafkaLibraries(), '*')]
const settingsFile = (options: BrokerOptions) => join(options.directory, 'server.properties')

/** Resolves when the broker answers a request; false when it has not after `withinMs`. */
export async function untilBrokerAnswers(
  options: Pick<BrokerOptions, 'port' | 'tls'>,
  withinMs: number = defaultStartMs,
  isAlive: () => boolean = () => true,
): Promise<boolean> {
  const giveUpAt = systemClock.now() + withinMs
  while (isAlive() && systemClock.now() < giveUpAt) {
    if (await answers(options)) return true
    await systemClock.sleep(askEveryMs)
  }
  return false
}

/** ApiVersions v0 without a client id: what any broker answers anyone, also before SASL. */
const question = Buffer.from('0000000a0012000000000001ffff', 'hex')

function answers({ port, tls }: Pick<BrokerOptions, 'port' | 'tls'>): Promise<boolean> {
  return new Promise((resolve) => {
    const to = { host: brokerHost, port }
    // Whether it lives is all that is asked: nothing secret is said, so nobody is checked.
    const socket: Socket = tls ? connectTls({ ...to, rejectUnauthorized: false }) : connect(to)
    const end = (isAnswered: boolean) => {
      socket.destroy()
      resolve(isAnswered)
    }
    socket.setTimeout(askPatienceMs, () => end(false))
    socket.once('error', () => end(false))
    socket.once('close', () => end(false))
    socket.once('data', () => end(true))
    socket.once(tls ? 'secureConnect' : 'connect', () => socket.write(question))
  })
}

export interface RunningBroker {
  readonly address: string
  readonly process: ChildProcess
  /** Resolves when the process has ended, however. */
  readonly ended: Promise<void>
  /** SIGTERM; SIGKILL after a while. Resolves when the process has ended. */
  stop(): Promise<void>
}

const stopWithinMs = 20_000

/** Starts a broker as a child of this process and waits until it answers. */
export async function startBroker(options: BrokerOptions): Promise<RunningBroker> {
  await prepareBroker(options)
  const { file, args } = brokerCommand(options)
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const log = join(options.directory, 'kafka.log')
  const words = createWriteStream(log, { flags: 'a' })
  for (const output of [child.stdout, child.stderr]) output.pipe(words, { end: false })
  let isAlive = true
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve())
    child.once('exit', () => resolve())
  }).then(() => {
    isAlive = false
    words.end()
  })
  const stop = async () => {
    child.kill('SIGTERM')
    const late = systemClock.after(stopWithinMs, () => child.kill('SIGKILL'))
    await ended
    late.cancel()
  }
  if (!(await untilBrokerAnswers(options, defaultStartMs, () => isAlive))) {
    await stop()
    throw new CommandFailure(`Kafka did not start on port ${options.port}: see ${log}.`)
  }
  return { address: `${brokerHost}:${options.port}`, process: child, ended, stop }
}
