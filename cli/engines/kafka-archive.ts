/**
 * The classes of a broker as the JVM keeps them once it has read and checked them (dynamic class
 * data sharing, JEP 350). With it a broker starts with little more than half of the CPU time, which
 * is most of what a killed one takes to come back on a busy machine.
 *
 * Promise: an archive that is missing, or of another Java, only makes the start slower.
 */
import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemRandom } from '../../lib/runtime/random.ts'
import { freeBlock } from './engine-file.ts'
import { startBroker } from './kafka-broker.ts'
import { kafkaClassArchive } from './kafka-install.ts'

/**
 * Makes it if it is not there, from the classes that a broker has loaded when it answers; `tell`
 * hears what is about to be done, or why there is none. It is made beside and then renamed.
 */
export async function makeClassArchive(tell: (sentence: string) => void): Promise<void> {
  const archive = kafkaClassArchive()
  if (existsSync(archive)) return
  tell(`Starting Kafka once, to keep its classes in ${archive}`)
  const directory = await mkdtemp(join(tmpdir(), 'till-kafka-classes-'))
  const making = `${archive}.${process.pid}`
  try {
    const port = await freeBlock(systemRandom)
    const ports = { port, controllerPort: port + 1 }
    const broker = await startBroker({ directory, ...ports, archiveInto: making })
    await broker.stop()
    await rename(making, archive)
  } catch (error) {
    tell(`Kafka starts without: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await rm(making, { force: true })
    await rm(directory, { recursive: true, force: true })
  }
}
