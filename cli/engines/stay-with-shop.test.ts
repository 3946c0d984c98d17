import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { seededRandom } from '../../lib/runtime/random.ts'
import { writeTopology } from '../../watchdog/process-spec.ts'
import { startProcess } from '../../watchdog/processes.ts'
import { newPasswords, writeEngineFile } from './engine-file.ts'
import { stopAll } from './launch.ts'
import { runDirectory, runningPids, topologyPath } from './running-specs.ts'
import { stayWithShop } from './stay-with-shop.ts'

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'till-stay-'))
})
afterEach(async () => {
  await stopAll(data, () => {})
  rmSync(data, { recursive: true })
})

/** A shop of one process that was started then. */
async function shopOf(startedAt: number) {
  const file = {
    ...({ size: 'default', variant: '2pc/order', host: 'localhost', port: 8_000 } as const),
    ...{ partitions: 1, firstPort: 20_000, links: false, startedAt },
    passwords: newPasswords(seededRandom(1)),
  }
  const spec = {
    ...({ name: 'stock', kind: 'service', command: ['sleep', '1000'], env: {} } as const),
    ...({ cwd: data, logPath: join(data, 'stock.log'), probe: { kind: 'none' } } as const),
  }
  writeEngineFile(data, file)
  writeTopology(topologyPath(data), [spec])
  await startProcess(spec, runDirectory(data))
  return file
}

test('a signal stops the shop', async () => {
  const shop = await shopOf(1)
  const signalled = new AbortController()
  const staying = stayWithShop(data, shop, signalled.signal)
  signalled.abort()
  await staying
  assert.deepEqual(runningPids(data), [])
})

test('it ends with the shop, whoever stops that', async () => {
  const staying = stayWithShop(data, await shopOf(1), new AbortController().signal)
  await stopAll(data, () => {})
  await staying
})

test('a shop that another has started since then is not stopped', async () => {
  const shop = await shopOf(1)
  const signalled = new AbortController()
  const staying = stayWithShop(data, shop, signalled.signal)
  await stopAll(data, () => {})
  await shopOf(2)
  signalled.abort()
  await staying
  assert.equal(runningPids(data).length, 1)
})
