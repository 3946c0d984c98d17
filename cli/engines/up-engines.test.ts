/** ./till up --engines and ./till down, as they should not go but do. Engines are stand-ins. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { readConfig } from '../../lib/runtime/config.ts'
import { processStart } from '../../lib/runtime/process-identity.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import { freePorts } from '../../test/free-ports.ts'
import { writeTopology } from '../../watchdog/process-spec.ts'
import { startProcess } from '../../watchdog/processes.ts'
import { makeDataDirectory } from '../data-directory.ts'
import { assertSentence, run, start, until, withTakenPort } from '../real-till.ts'
import {
  type EngineFile,
  freeBlock,
  newPasswords,
  readEngineFile,
  writeEngineFile,
} from './engine-file.ts'
import { runDirectory, runningPids, topologyPath } from './running-specs.ts'
import { gatewaySpec } from './specs.ts'
import { type StandIns, withStandIns } from './stand-ins.ts'

const databases = 4
const freePort = async () => (await freePorts(1))[0]!
const wordsOf = ({ data, settings }: StandIns, ...more: readonly string[]) => [
  ...settings,
  ...['up', '--engines=redis-kafka', '--port=0', `--data=${data}`, ...more],
]

/** A start that goes on for ever: its databases do not answer, and Kafka's data is being made. */
async function begun(standIns: StandIns, ...more: readonly string[]) {
  const shop = start(...wordsOf(standIns, ...more))
  const isUnderWay = () =>
    standIns.pids('redis-server').length === databases && standIns.pids('java').length === 1
  try {
    await until(isUnderWay)
  } catch (error) {
    shop.kill('SIGKILL')
    throw new Error(`It does not start: ${shop.said.stderr}`, { cause: error })
  }
  return shop
}

test('where one half of a start fails, the other starts nothing after the stop', () =>
  withStandIns({ 'redis-server': 'exit 1' }, async (standIns) => {
    const ended = await run(...wordsOf(standIns))
    assertSentence(ended, /-redis has ended: look into/)
    assert.deepEqual(standIns.alive(), [])
  }))

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`${signal} while it starts ends the start and all that it had started`, () =>
    withStandIns({}, async (standIns) => {
      const shop = await begun(standIns)
      shop.kill(signal)
      const { code, stdout, stderr } = await shop.ended
      assert.deepEqual([code, stderr], [0, ''])
      assert.match(stdout, /was stopped: nothing of it runs/)
      assert.deepEqual(standIns.alive(), [])
      assert.deepEqual(runningPids(standIns.data), [])
    }))
}

/** Answers a question that contains `asked`, in hexadecimal digits, and no other. */
const answering = (port: string, asked: string, answer: string) => {
  const say = `if (asked.includes('${asked}', 'hex')) socket.write(Buffer.from('${answer}', 'hex'))`
  const serve = `(socket) => socket.on('error', () => {}).on('data', (asked) => { ${say} })`
  const script = `net.createServer(${serve}).listen(process.argv[1], '127.0.0.1')`
  return `exec '${process.execPath}' -e "${script}" ${port}`
}
const hex = (text: string) => Buffer.from(text).toString('hex')

test('a signal while topics are made ends that too', { skip: process.platform !== 'linux' }, () => {
  const redis = answering('$(sed -n "s/^port //p" "$1")', hex('PING'), hex('+OK\r\n+PONG\r\n'))
  const broker = answering('$port', '00007111', '0000000400007111')
  const listener = 's/^listeners=CLIENTS:..127.0.0.1:\\([0-9]*\\).*/\\1/p'
  const java = `case "$*" in *StorageTool*) exit 0;; esac
for conf; do :; done
port=$(sed -n '${listener}' "$conf")
${broker}`
  return withStandIns({ 'redis-server': redis, java }, async (standIns) => {
    const shop = start(...wordsOf(standIns))
    const makers = () => processesOf(standIns.data, 'topics')
    try {
      await until(() => makers().length > 0)
    } finally {
      shop.kill('SIGTERM')
    }
    assert.equal((await shop.ended).code, 0, shop.said.stderr)
    assert.deepEqual(makers(), [])
    assert.deepEqual(standIns.alive(), [])
  })
})

/** Those that were started for this data with this word. */
function processesOf(data: string, word: string): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      const environment = readFileSync(`/proc/${name}/environ`, 'utf8').split('\0')
      const words = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0')
      return environment.includes(`DATA=${data}`) && words.includes(word)
    } catch {
      return false
    }
  })
}

test('a start in the background that a signal ends has failed', () =>
  withStandIns({}, async (standIns) => {
    const shop = await begun(standIns, '--detach')
    shop.kill('SIGTERM')
    assert.equal((await shop.ended).code, 143)
    assert.deepEqual(standIns.alive(), [])
  }))

test('what was not started yet has no process and no age, and does not answer', () =>
  withStandIns({}, async (standIns) => {
    const shop = await begun(standIns)
    try {
      const on = `--data=${standIns.data}`
      const rows = JSON.parse((await run('status', '--json', on)).stdout) as readonly Named[]
      const kafka = rows.find(({ name }) => name === 'kafka')
      const { pid, state, since } = kafka!
      assert.deepEqual([pid, state, since], [null, 'not started', null])
      assert.match((await run('status', on)).stdout, /^kafka .* - .* not started .* -$/m)
      assertSentence(await run('check', on), /does not answer .*ECONNREFUSED/, 4)
    } finally {
      shop.kill('SIGTERM')
      await shop.ended
    }
  }))

type Named = Readonly<Record<'name' | 'pid' | 'state' | 'since', unknown>>

test('one starts or stops at a time, and tells the others', () =>
  withStandIns({}, async (standIns) => {
    const first = await begun(standIns)
    try {
      const file = readEngineFile(standIns.data)
      const sentence = /Another \.\/till is starting or stopping a shop/
      assertSentence(await run(...wordsOf(standIns)), sentence)
      assertSentence(await run('down', `--data=${standIns.data}`), sentence)
      assert.deepEqual(readEngineFile(standIns.data), file)
      assert.equal(standIns.alive().length, databases + 1)
    } finally {
      first.kill('SIGTERM')
      await first.ended
    }
  }))

const fileOf = async (port: number): Promise<EngineFile> => ({
  ...{ size: 'default', variant: '2pc/order', host: 'localhost', port, partitions: 4 },
  ...{ firstPort: await freeBlock(systemRandom), links: false, startedAt: 0 },
  passwords: newPasswords(systemRandom),
})

/** What is left of a nginx whose master was killed: a worker that holds the port. */
async function leftWorker(data: string, port: number): Promise<number> {
  makeDataDirectory(data)
  const config = readConfig({ port: String(port) }, {})
  const file = await fileOf(port)
  writeEngineFile(data, file)
  const gateway = gatewaySpec({ config, file, data, root: data, node: '' })
  const serve = `net.createServer().listen(${port}, '127.0.0.1', () => console.log(process.pid))`
  const command = ['/bin/sh', '-c', `'${process.execPath}' -e "${serve}" & wait`]
  const spec = { ...gateway, command }
  writeTopology(topologyPath(data), [spec])
  const { pid } = await startProcess(spec, runDirectory(data))
  await until(() => /\n/.test(readFileSync(spec.logPath, 'utf8')))
  process.kill(pid, 'SIGKILL')
  await until(() => !isAlive(pid))
  const worker = Number(readFileSync(spec.logPath, 'utf8'))
  workers.push(worker)
  return worker
}

const workers: number[] = []
after(() => {
  for (const pid of workers.filter(isAlive)) process.kill(pid, 'SIGKILL')
})
const isAlive = (pid: number) => processStart(pid) !== undefined

test('what a killed shop has left ends with down, and with the next up', () =>
  withStandIns({}, async (standIns) => {
    const { data } = standIns
    const first = await leftWorker(data, await freePort())
    const down = await run('down', `--data=${data}`)
    assert.deepEqual([down.code, down.stderr], [0, ''])
    assert.match(down.stdout, /No shop runs on/)
    assert.ok(!isAlive(first))
    rmSync(data, { recursive: true })
    const port = await freePort()
    const second = await leftWorker(data, port)
    const shop = await begun(standIns, `--port=${port}`)
    assert.ok(!isAlive(second))
    shop.kill('SIGTERM')
    await shop.ended
  }))

test('a port that somebody has, and an address that nobody has, are sentences', () =>
  withStandIns({}, async (standIns) => {
    await withTakenPort(async (port) => {
      const sentence = new RegExp(`PORT=${port}: another process listens there`)
      assertSentence(await run(...wordsOf(standIns, `--port=${port}`)), sentence)
    })
    // Of a block for documentation (RFC 5737).
    const nowhere = await run(...wordsOf(standIns, '--host=203.0.113.9'))
    assertSentence(nowhere, /HOST=203\.0\.113\.9: cannot listen there/)
    assert.deepEqual(standIns.alive(), [])
  }))

test('PARTITIONS is that of the data, whether a flag or the environment says it', () =>
  withStandIns({ 'redis-server': 'exit 1' }, async (standIns) => {
    await run(...wordsOf(standIns), 'PARTITIONS=3')
    assert.equal(readEngineFile(standIns.data)?.partitions, 3)
    const sentence = /created with PARTITIONS=3\b.*asks for PARTITIONS=5/
    assertSentence(await run(...wordsOf(standIns), 'PARTITIONS=5'), sentence)
    assertSentence(await run(...wordsOf(standIns, '--partitions=5')), sentence)
  }))

test('a flag that would do nothing is a sentence, before anything is made', () =>
  withStandIns({}, async (standIns) => {
    const { data } = standIns
    const alone = await run('up', '--port=0', `--data=${data}`, '--size=large', '--links')
    assertSentence(alone, /--size and --links: .*--engines redis-kafka/, 2)
    assertSentence(await run(...wordsOf(standIns, '--internal-port=4000')), /--internal-port: /, 2)
    assert.ok(!existsSync(data))
  }))

test('files that cannot be made are a sentence', () =>
  withStandIns({}, async (standIns) => {
    const { data } = standIns
    makeDataDirectory(data)
    writeEngineFile(data, await fileOf(await freePort()))
    for (const name of ['gateway', 'kafka']) {
      writeFileSync(join(data, name), '')
      assertSentence(await run(...wordsOf(standIns)), /data directory .* cannot be used \(EEXIST/)
      rmSync(join(data, name))
    }
    assert.deepEqual(standIns.alive(), [])
  }))

test('a topology that cannot be read says how the shop gets another', () =>
  withStandIns({}, async (standIns) => {
    await leftWorker(standIns.data, await freePort())
    writeFileSync(topologyPath(standIns.data), '{')
    const sentence = /cannot be read.*End the processes.*\/run name, remove.*makes it anew/s
    for (const words of [wordsOf(standIns), ['down', `--data=${standIns.data}`]]) {
      assertSentence(await run(...words), sentence)
    }
  }))
