/** Whoever has enough of a long run presses Ctrl-C: nothing that it has started may go on. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { runningPids } from '../cli/engines/running-specs.ts'
import { readRunFile } from '../cli/run-file.ts'
import { exitCodes } from '../lib/runtime/lifecycle.ts'
import { processStart } from '../lib/runtime/process-identity.ts'
import { enginesAreThere } from '../test/engine-shop.ts'
import { eventually } from '../test/suite.ts'
import { till } from './till-up.ts'

const areThere = await enginesAreThere('NO RUN ON REDIS AND KAFKA WAS INTERRUPTED', process.env)

/** Until it runs, on a busy machine. */
const patienceMs = 120_000

/** A kill is no end: the process has a moment yet. */
const endWithinMs = 5_000

/** Ctrl-C as soon as something runs, which `pidsOf` its data directory tells. */
async function interrupted(engines: string, pidsOf: (data: string) => readonly number[]) {
  const directory = mkdtempSync(join(tmpdir(), 'till-interrupted-'))
  const own = () => readdirSync(directory).filter((name) => name.startsWith('till-bench-'))
  const flags = [`--engines=${engines}`, '--every=1', '--seed=3', '--rate=50']
  const chaos = spawn('env', [`TMPDIR=${directory}`, till, 'chaos', ...flags])
  try {
    const said = { stderr: '' }
    chaos.stderr.setEncoding('utf8').on('data', (text: string) => {
      said.stderr += text
    })
    let pids: readonly number[] = []
    const isUnderFault = async () => {
      pids = own().flatMap((name) => pidsOf(join(directory, name)))
      return said.stderr.includes('2pc/order') && pids.length > 0
    }
    assert.ok(await eventually(patienceMs, isUnderFault), said.stderr)
    chaos.kill('SIGINT')
    const [code] = await once(chaos, 'close')
    assert.equal(code, exitCodes.SIGINT, said.stderr)
    const haveEnded = async () => pids.every((pid) => processStart(pid) === undefined)
    assert.ok(await eventually(endWithinMs, haveEnded), `some of ${pids} run on`)
    assert.deepEqual(own(), [])
  } finally {
    chaos.kill('SIGKILL')
    rmSync(directory, { recursive: true, force: true })
  }
}

test('a run of the embedded shop ends with its shop and its data', () =>
  interrupted('embedded', (data) => {
    const run = readRunFile(data)
    return run === undefined ? [] : [run.pid]
  }))

test('a run on Redis and Kafka ends with every process and its data', { skip: !areThere }, () =>
  interrupted('redis-kafka', (data) => runningPids(join(data, 'shop'))),
)
