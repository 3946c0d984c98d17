/** What `--engines redis-kafka` needs of this machine, and how it is got. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { systemClock } from '../../lib/runtime/clock.ts'
import { CommandFailure } from '../failure.ts'
import { makeClassArchive } from './kafka-archive.ts'
import { installKafkaJars, kafkaPackages, missingForKafka } from './kafka-install.ts'

const run = promisify(execFile)
const askWithinMs = 20_000
const installWithinMs = 900_000
const lockWithinMs = 300_000
const lockAgainMs = 2_000

/** Programs, and the Debian packages that bring them. */
const programs = [
  ['redis-server', '--version', 'redis-server'],
  ['nginx', '-v', 'nginx'],
  ['openssl', 'version', 'openssl'],
  ['java', '-version', kafkaPackages[0]],
  ['mvn', '--version', kafkaPackages[1]],
] as const

export interface Missing {
  readonly packages: readonly string[]
  readonly hasKafka: boolean
}

export async function missingEngines(): Promise<Missing> {
  const answers = await Promise.all(
    programs.map(async ([program, argument, name]) => {
      const isThere = await run(program, [argument], { timeout: askWithinMs }).then(
        () => true,
        () => false,
      )
      return isThere ? [] : [name]
    }),
  )
  const hasKafka = (await missingForKafka()).length === 0
  const packages = answers.flat()
  // Maven only fetches Kafka: with the jars there it is not missed.
  return { packages: hasKafka ? packages.filter((name) => name !== 'maven') : packages, hasKafka }
}

/** Throws CommandFailure with the line that helps. */
export async function requireEngines(): Promise<void> {
  const { packages, hasKafka } = await missingEngines()
  const names = [...packages, ...(hasKafka ? [] : ["Kafka's jars"])]
  if (names.length === 0) return
  throw new CommandFailure(`Missing here: ${names.join(', ')}. Run ./till engines install.`)
}

/** Tells what it is about to do, then does it. Throws CommandFailure where it may not. */
export async function installEngines(tell: (sentence: string) => void): Promise<void> {
  const { packages } = await missingEngines()
  if (packages.length > 0) {
    const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...packages]
    const sudo = process.getuid?.() === 0 ? [] : ['sudo', '-n']
    for (const words of [['apt-get', 'update'], install]) {
      tell([...sudo, ...words].join(' '))
      await inTurn([...sudo, ...words]).catch((error) => {
        throw new CommandFailure(
          `This user may not install packages here (${lastLine(error)}). ` +
            `Somebody who may: ${install.join(' ')}`,
        )
      })
    }
  }
  await installKafkaJars(tell)
  await makeClassArchive(tell)
}

/** Another installation may be under way: apt's own patience does not cover all of its locks. */
async function inTurn([program = '', ...rest]: readonly string[]): Promise<void> {
  const giveUpAt = systemClock.now() + lockWithinMs
  for (;;) {
    try {
      await run(program, rest, { timeout: installWithinMs })
      return
    } catch (error) {
      const isTaken = /Could not get lock|Unable to (acquire|lock)/.test(String(error))
      if (!isTaken || systemClock.now() >= giveUpAt) throw error
      await systemClock.sleep(lockAgainMs)
    }
  }
}

const lastLine = ({ stderr = '', message = '' }: { stderr?: string; message?: string }) =>
  stderr.trim().split('\n').at(-1) || message
