/** A local broker comes up, is killed, and comes back with what it had (cli/engines/). */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { promisify } from 'node:util'
import { makeClassArchive } from '../cli/engines/kafka-archive.ts'
import { brokerCommand, startBroker, untilBrokerAnswers } from '../cli/engines/kafka-broker.ts'
import { kafkaClassArchive } from '../cli/engines/kafka-install.ts'
import { freePorts } from './free-ports.ts'
import { skippedWithoutKafka } from './kafka-here.ts'

const skip = skippedWithoutKafka(process.env)
const directory = await mkdtemp(join(tmpdir(), 'till-broker-'))
after(() => rm(directory, { recursive: true, force: true }))

test('a broker that is killed keeps its data', { skip }, async () => {
  const [port, controllerPort] = await freePorts(2)
  const options = { directory, port: port!, controllerPort: controllerPort! }
  assert.equal(await untilBrokerAnswers(options, 200), false)
  const first = await startBroker(options)
  const identity = () => readFile(join(directory, 'data', 'meta.properties'), 'utf8')
  const before = await identity()
  first.process.kill('SIGKILL')
  await first.ended
  assert.equal(await untilBrokerAnswers(options, 200), false)
  const second = await startBroker(options)
  try {
    assert.equal(await identity(), before)
  } finally {
    await second.stop()
  }
})

test('a broker uses the classes that were kept, and does without those that do not fit', {
  skip,
}, async () => {
  await makeClassArchive((sentence) => assert.match(sentence, /^Starting Kafka once/))
  const { file, args } = brokerCommand({ directory, port: 1, controllerPort: 2 })
  const java = (...options: readonly string[]) =>
    promisify(execFile)(file, [...options, '-version'])
  const options = args.slice(0, args.indexOf('kafka.Kafka'))
  const own = options.indexOf(archived(kafkaClassArchive()))
  assert.notEqual(own, -1)
  // The JVM is told to fail where it cannot use the archive.
  await java('-Xshare:on', ...options)
  const unfit = join(directory, 'unfit.jsa')
  await writeFile(unfit, 'no archive')
  const others = options.with(own, archived(unfit))
  await assert.rejects(java('-Xshare:on', ...others))
  await java(...others)
})

const archived = (path: string) => `-XX:SharedArchiveFile=${path}`
