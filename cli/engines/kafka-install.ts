/**
 * Kafka without Docker: its jars, from Maven Central into a cache of this user.
 *
 * Promise: what is in the cache is whole (it is filled beside and then renamed), so a download that
 * is cut off leaves nothing half behind. Needs a JRE to run and Maven to install; says so in one
 * sentence where they are missing. Next: kafka-broker.ts, which runs a broker out of these jars.
 */
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cacheDirectory } from '../../lib/runtime/config.ts'
import { CommandFailure } from '../failure.ts'

const run = promisify(execFile)

export const kafkaVersion = '4.2.0'

/** The Debian packages that Kafka needs here: a JRE to run, Maven to be fetched. */
export const kafkaPackages = ['openjdk-17-jre-headless', 'maven'] as const

const downloadWithinMs = 600_000
const answerWithinMs = 20_000

/** The directory of Kafka's jars, whether it is there or not. */
export function kafkaLibraries(): string {
  return join(cacheDirectory(), `kafka-${kafkaVersion}`, 'libs')
}

/** What kafka-archive.ts makes; it belongs to these jars. */
export function kafkaClassArchive(): string {
  return join(cacheDirectory(), `kafka-${kafkaVersion}`, 'classes.jsa')
}

export function hasKafkaJars(libraries: string = kafkaLibraries()): boolean {
  return existsSync(join(libraries, `kafka_2.13-${kafkaVersion}.jar`))
}

/** What is missing for a broker to run here, as names for people; empty: nothing. */
export async function missingForKafka(): Promise<readonly string[]> {
  const missing: string[] = []
  if (!(await answers('java', '-version'))) missing.push('a Java runtime (java)')
  if (!hasKafkaJars()) missing.push(`Kafka ${kafkaVersion}'s jars`)
  return missing
}

/**
 * Fetches the jars if they are not there; `tell` hears what is about to be done. Throws
 * CommandFailure where Maven is missing or cannot fetch them.
 */
export async function installKafkaJars(tell: (sentence: string) => void): Promise<void> {
  const libraries = kafkaLibraries()
  if (hasKafkaJars(libraries)) return
  if (!(await answers('mvn', '--version'))) {
    throw new CommandFailure(
      `Maven (mvn) fetches Kafka and is not here: apt-get install -y ${kafkaPackages.join(' ')}`,
    )
  }
  tell(`Fetching Kafka ${kafkaVersion} from Maven Central into ${libraries}`)
  const home = join(libraries, '..')
  await mkdir(home, { recursive: true })
  const work = await mkdtemp(join(home, 'fetching-'))
  try {
    await writeFile(join(work, 'pom.xml'), pom)
    const into = join(work, 'libs')
    const goal = ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${into}`]
    await run('mvn', goal, { cwd: work, timeout: downloadWithinMs }).catch((error) => {
      throw new CommandFailure(`Maven could not fetch Kafka: ${lastWords(error)}`)
    })
    if (hasKafkaJars(libraries)) return
    await rm(libraries, { recursive: true, force: true })
    await rename(into, libraries).catch((error) => {
      // Another process was faster; both have fetched the same.
      if (!hasKafkaJars(libraries)) throw error
    })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

async function answers(program: string, argument: string): Promise<boolean> {
  return run(program, [argument], { timeout: answerWithinMs }).then(
    () => true,
    () => false,
  )
}

function lastWords(error: { stdout?: string; message: string }): string {
  const lines = (error.stdout ?? '').split('\n').filter((line) => line.includes('ERROR'))
  return (lines[0] ?? error.message).trim()
}

/** Kafka itself, and what writes its log lines to stderr. */
const dependencies = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  ['org.slf4j', 'slf4j-simple', '1.7.36'],
]
  .map(
    ([group, artifact, version]) => `
    <dependency>
      <groupId>${group}</groupId>
      <artifactId>${artifact}</artifactId>
      <version>${version}</version>
    </dependency>`,
  )
  .join('')

const pom = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>till</groupId>
  <artifactId>kafka</artifactId>
  <version>1</version>
  <dependencies>${dependencies}
  </dependencies>
</project>
`
