/**
 * A second opinion on the contract: Schemathesis (Python) reads /openapi.json of a running shop and
 * tries what it says, with values on and beyond every limit, for a bounded time and from a fixed
 * seed. It is installed into ~/.cache/till where Python is there.
 */
import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { embeddedShop } from './running-shop.ts'
import { assertSound } from './suite.ts'
import { variants } from './variants.ts'

const version = '4.32.5'
const place = join(homedir(), '.cache', 'till', `schemathesis-${version}`)
const program = join(place, 'bin', 'schemathesis')
const seed = process.env.FUZZ_SEED ?? '20260'
/**
 * batch_init replaces what has its ids, and with it what was paid: those routes are tried before
 * any checkout, so that the full check at the end can hold all others to the books.
 */
const batches = 'batch_init'
const rounds = [
  { seconds: '6', paths: ['--include-path-regex', batches] },
  { seconds: '20', paths: ['--exclude-path-regex', batches] },
] as const
type Round = (typeof rounds)[number]

/** Installs it if it is not there; a sentence that says what is missing, or undefined. */
function missing(): string | undefined {
  if (existsSync(program)) return undefined
  const python = spawnSync('python3', ['-c', 'import sys, venv; assert sys.version_info >= (3, 9)'])
  if (python.status !== 0) return 'apt-get install python3 python3-venv'
  const made = spawnSync('python3', ['-m', 'venv', place])
  const pip = join(place, 'bin', 'pip')
  const installed = spawnSync(pip, ['install', '-q', `schemathesis==${version}`])
  if (made.status === 0 && installed.status === 0 && existsSync(program)) return undefined
  rmSync(place, { recursive: true, force: true })
  return `pip install schemathesis==${version}`
}

const lack = missing()
const skip = lack !== undefined && !process.env.CI && `SCHEMATHESIS IS NOT THERE: ${lack}`

interface Outcome {
  readonly exitCode: number
  readonly told: string
}

function run(origin: string, folder: string, { seconds, paths }: Round): Promise<Outcome> {
  const where = ['run', `${origin}/openapi.json`, ...paths]
  const words = [...where, '--seed', seed, '--max-time', seconds]
  const phases = ['--phases', 'examples,coverage,fuzzing', '--continue-on-failure', '--no-color']
  // That a right request is refused, as for want of units, is what a shop does.
  const without = ['--exclude-checks', 'positive_data_acceptance', '--warnings', 'off']
  return new Promise((resolve) => {
    const options = { cwd: folder, maxBuffer: 64 * 1_048_576 }
    execFile(program, [...words, ...phases, ...without], options, (error, stdout, stderr) => {
      resolve({ exitCode: error === null ? 0 : Number(error.code ?? 1), told: stdout + stderr })
    })
  })
}

test(`Schemathesis finds nothing, seed ${seed}`, { skip }, async () => {
  assert.equal(lack, undefined)
  const running = await embeddedShop(variants[0]!, { maxBatchRecords: '1000' })
  const folder = mkdtempSync(join(tmpdir(), 'till-schemathesis-'))
  try {
    for (const round of rounds) {
      const { exitCode, told } = await run(running.shop.origin, folder, round)
      assert.equal(exitCode, 0, told)
      assert.match(told, /Test cases:\s+[1-9]\d+ generated/, told)
    }
    await assertSound(running)
  } finally {
    rmSync(folder, { recursive: true })
    await running.close()
  }
})
