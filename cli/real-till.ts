/** The real ./till for tests: in directories of its own; what it started ends by its pid. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../lib/runtime/clock.ts'
import { isSameProcess } from '../lib/runtime/process-identity.ts'
import { type RunFile, readRunFile } from './run-file.ts'

const till = fileURLToPath(new URL('../till', import.meta.url))
/** A command or a wait that takes longer has failed; two busy cores are slow. */
const patienceMs = 40_000

export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface Started {
  readonly pid: number
  /** What it has said until now. */
  readonly said: { stdout: string; stderr: string }
  readonly ended: Promise<Ended>
  kill(signal: NodeJS.Signals): void
}

/** Starts `./till WORDS`; settings are given as NAME=VALUE before the words. */
export function start(...words: readonly string[]): Started {
  const settings = words.filter((word) => /^[A-Z_]+=/.test(word))
  const rest = words.filter((word) => !settings.includes(word))
  const child = spawn('env', [...settings, till, ...rest], { stdio: ['ignore', 'pipe', 'pipe'] })
  const said = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
    })
  }
  return { pid: child.pid!, said, ended: endOf(child, said), kill: (signal) => child.kill(signal) }
}

async function endOf(child: ChildProcess, said: Started['said']): Promise<Ended> {
  const timer = systemClock.after(patienceMs, () => child.kill('SIGKILL'))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  timer.cancel()
  return { code, ...said }
}

export const run = (...words: readonly string[]): Promise<Ended> => start(...words).ended

/** Runs `work` with a data directory of its own; whatever shop runs on it then is killed. */
export async function withData(work: (data: string) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'till-'))
  const data = join(directory, 'shop')
  try {
    await work(data)
  } finally {
    const left = readRunFile(data)
    if (left !== undefined) {
      process.kill(left.pid, 'SIGKILL')
      await until(() => !isSameProcess(left.pid, left.processStart))
    }
    rmSync(directory, { recursive: true })
  }
}

/** Starts a shop in the background; fails with what it said when it does not come up. */
export async function up(data: string, ...words: readonly string[]): Promise<RunFile> {
  const { code, stderr } = await run('up', '--detach', '--port=0', `--data=${data}`, ...words)
  assert.equal(code, 0, stderr)
  return readRunFile(data)!
}

/** Starts a shop in the foreground, and waits until it has said that it is open. */
export async function upHere(data: string, ...words: readonly string[]): Promise<Started> {
  const started = start('up', '--port=0', `--data=${data}`, ...words)
  try {
    await until(() => started.said.stdout.includes('Try:'))
  } catch (error) {
    started.kill('SIGKILL')
    throw new Error(`It did not open: ${started.said.stderr}`, { cause: error })
  }
  return started
}

export async function until(condition: () => boolean): Promise<void> {
  const giveUpAt = systemClock.now() + patienceMs
  while (!condition()) {
    if (systemClock.now() >= giveUpAt) throw new Error(`Not within ${patienceMs} ms: ${condition}`)
    await systemClock.sleep(10)
  }
}

/** A port of loopback that somebody listens on while `work` runs. */
export async function withTakenPort(work: (port: number) => Promise<void>): Promise<void> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  try {
    const address = server.address()
    assert(typeof address === 'object' && address !== null)
    await work(address.port)
  } finally {
    await new Promise((resolve) => server.close(resolve))
  }
}

/** A failure as people should see it: this sentence, no stack, nothing on stdout. */
export function assertSentence(ended: Ended, sentence: RegExp, code = 1): void {
  assert.equal(ended.code, code, ended.stderr)
  assert.match(ended.stderr, sentence)
  assert.doesNotMatch(ended.stderr, /^\s+at /m)
  assert.equal(ended.stdout, '')
}

export const runFileIsThere = (data: string) => existsSync(join(data, 'shop.json'))
