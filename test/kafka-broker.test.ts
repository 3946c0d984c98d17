/** A local broker comes up, is killed, and comes back with what it had (cli/engines/). */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startBroker, untilBrokerAnswers } from '../cli/engines/kafka-broker.ts'
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
