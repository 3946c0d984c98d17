/** The real engines, each alone, on the settings that are made for them. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer, get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../lib/runtime/clock.ts'
import { readConfig } from '../../lib/runtime/config.ts'
import { systemRandom } from '../../lib/runtime/random.ts'
import { enginesAreThere } from '../../test/engine-shop.ts'
import { freePorts } from '../../test/free-ports.ts'
import { probe } from '../../watchdog/probe.ts'
import { type ProcessSpec, writeTopology } from '../../watchdog/process-spec.ts'
import { startProcess } from '../../watchdog/processes.ts'
import { freeBlock, newPasswords } from './engine-file.ts'
import { prepareBroker } from './kafka-broker.ts'
import { stopAll } from './launch.ts'
import { addressesOf } from './public-address.ts'
import { runDirectory, topologyPath } from './running-specs.ts'
import { requireUsableName, writeShopFiles } from './shop-files.ts'
import { databaseSpecs, gatewaySpec, instancesOf, type PlanOptions } from './specs.ts'

const areThere = await enginesAreThere('NO ENGINE WAS STARTED ON ITS SETTINGS', process.env)
const directory = mkdtempSync(join(tmpdir(), 'till-shop-files-'))
after(() => rmSync(directory, { recursive: true }))

async function planOn(name: string, host: string): Promise<PlanOptions> {
  const data = join(directory, name)
  mkdirSync(data)
  const [port] = await freePorts(1)
  const file = {
    ...({ size: 'default', variant: '2pc/order', host, port: port!, partitions: 1 } as const),
    ...{ firstPort: await freeBlock(systemRandom), links: false, startedAt: 0 },
    passwords: newPasswords(systemRandom),
  }
  const root = fileURLToPath(new URL('../..', import.meta.url))
  return { config: readConfig({}, {}), file, data, root, node: process.execPath }
}

/** Starts some of a shop; they stop as `./till down` stops them, also where `work` fails. */
async function withStarted(
  plan: PlanOptions,
  specs: readonly ProcessSpec[],
  work: () => Promise<void>,
): Promise<void> {
  await writeShopFiles(plan)
  writeTopology(topologyPath(plan.data), specs)
  try {
    for (const spec of specs) {
      await startProcess(spec, runDirectory(plan.data))
      const isWell = async () =>
        (await probe(spec.probe, { clock: systemClock, withinMs: 1_000 })).health === 'well'
      const giveUpAt = systemClock.now() + 20_000
      while (!(await isWell())) {
        assert.ok(systemClock.now() < giveUpAt, readFileSync(spec.logPath, 'utf8'))
        await systemClock.sleep(20)
      }
    }
    await work()
  } finally {
    await stopAll(plan.data, () => {})
  }
}

const accepts = (host: string, port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect({ host, port })
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })

describe('engines on their settings', { skip: !areThere, concurrency: 1 }, () => {
  test('a path with spaces, quotes and letters of any kind is itself', async () => {
    const plan = await planOn(`a shop's "own" back\\slash ü`, 'localhost')
    const [database] = databaseSpecs(plan)
    await withStarted(plan, [database!, gatewaySpec(plan)], async () => {
      assert.ok(existsSync(join(plan.data, database!.name, 'appendonlydir')))
      assert.ok(existsSync(join(plan.data, 'gateway', 'nginx.pid')))
    })
    const kafka = join(plan.data, 'kafka')
    const [port, controllerPort] = await freePorts(2)
    await prepareBroker({ directory: kafka, port: port!, controllerPort: controllerPort! })
    assert.ok(existsSync(join(kafka, 'data', 'meta.properties')))
    assert.deepEqual(readdirSync(directory).length, 1)
  })

  test('a shop on every address is found at both families, and one on its own there', async () => {
    const every = await planOn('every', '::')
    await withStarted(every, [gatewaySpec(every)], async () => {
      for (const host of addressesOf('localhost'))
        assert.ok(await accepts(host, every.file.port), host)
    })
    // Any of 127.0.0.0/8 is an address of a machine of its own, as that of a network is.
    const one = await planOn('one', '127.0.0.2')
    await withStarted(one, [gatewaySpec(one)], async () => {
      assert.ok(!(await accepts('127.0.0.1', one.file.port)))
    })
  })

  test('a stop lets what is under way in the gateway end', async () => {
    const plan = await planOn('draining', 'localhost')
    const { port: stockPort } = instancesOf(plan.file).find(({ service }) => service === 'stock')!
    const asked = Promise.withResolvers<() => void>()
    const stock = createServer((_request, response) => asked.resolve(() => response.end('late')))
    await new Promise<void>((listening) => stock.listen(stockPort, '127.0.0.1', listening))
    try {
      await withStarted(plan, [gatewaySpec(plan)], async () => {
        const url = `http://127.0.0.1:${plan.file.port}`
        const answer = Promise.withResolvers<IncomingMessage>()
        get(`${url}/stock/find/1`, { agent: false }, answer.resolve).on('error', answer.reject)
        const finish = await asked.promise
        const stopped = stopAll(plan.data, () => {})
        while (await accepts('127.0.0.1', plan.file.port)) await systemClock.sleep(10)
        finish()
        assert.equal((await answer.promise).statusCode, 200)
        await stopped
      })
    } finally {
      stock.close()
    }
  })
})

test('what no settings can say is a sentence', () => {
  requireUsableName('/home/a b/"c"')
  for (const name of ['/a$b', '/a,b', '/a\nb']) {
    assert.throws(() => requireUsableName(name), { name: 'CommandFailure', message: /--data/ })
  }
})
