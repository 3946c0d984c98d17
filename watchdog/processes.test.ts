/** Starting, stopping and restarting real processes, also by several at once. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../lib/runtime/clock.ts'
import { processStart } from '../lib/runtime/process-identity.ts'
import type { ProcessSpec } from './process-spec.ts'
import { writeState } from './process-state.ts'
import { inspect, restartProcess, signalProcess, startProcess, stopProcess } from './processes.ts'

const directory = mkdtempSync(join(tmpdir(), 'till-processes-'))
const run = join(directory, 'run')
const started: string[] = []
after(async () => {
  for (const name of started) await stopProcess(name, run, 0)
  rmSync(directory, { recursive: true })
})

function specOf(name: string, script: string): ProcessSpec {
  started.push(name)
  return {
    name,
    kind: 'service',
    command: ['/bin/sh', '-c', script],
    env: { GREETING: 'hello' },
    cwd: directory,
    logPath: join(directory, 'log', `${name}.log`),
    probe: { kind: 'none' },
  }
}

const logOf = (spec: ProcessSpec) => readFileSync(spec.logPath, 'utf8')

/** Waits for what must come; the test's own limit is the bound. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await systemClock.sleep(5)
}

const endless = 'echo $GREETING; while :; do sleep 1; done'

test('a process starts once, runs detached, and its output is appended', async () => {
  const spec = specOf('once', endless)
  const first = await startProcess(spec, run)
  const second = await startProcess(spec, run)
  assert.equal(first.pid, second.pid)
  await until(() => logOf(spec) === 'hello\n')
  assert.equal(inspect('once', run)?.isAlive, true)
  assert.equal(await stopProcess('once', run, 5_000), true)
  assert.equal(inspect('once', run)?.isAlive, false)
  assert.equal(await stopProcess('once', run, 5_000), false)
  await startProcess(spec, run)
  await until(() => logOf(spec) === 'hello\nhello\n')
})

test('many starters at once, in several processes, start it once', {
  timeout: 60_000,
}, async () => {
  const spec = specOf('contested', endless)
  const file = join(directory, 'spec.json')
  writeFileSync(file, JSON.stringify(spec))
  const processes = fileURLToPath(new URL('processes.ts', import.meta.url))
  const script = `
    import { readFileSync } from 'node:fs'
    import { startProcess } from ${JSON.stringify(processes)}
    const spec = JSON.parse(readFileSync(${JSON.stringify(file)}, 'utf8'))
    const all = await Promise.all([1, 2, 3].map(() => startProcess(spec, ${JSON.stringify(run)})))
    console.log(all.map(({ pid }) => pid).join('\\n'))`
  const starters = [1, 2, 3].map(() =>
    spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const pids = new Set<string>()
  await Promise.all(
    starters.map(async (starter) => {
      starter.stdout.on('data', (text) => {
        for (const pid of String(text).trim().split('\n')) pids.add(pid)
      })
      await once(starter, 'close')
    }),
  )
  assert.equal(pids.size, 1)
  await until(() => logOf(spec) === 'hello\n')
})

test('a restart replaces exactly the process that was seen', async () => {
  const spec = specOf('restarted', endless)
  const first = await startProcess(spec, run)
  process.kill(first.pid, 'SIGKILL')
  await until(() => !inspect('restarted', run)!.isAlive)
  const [one, another] = await Promise.all([
    restartProcess(spec, run, first),
    restartProcess(spec, run, first),
  ])
  assert.equal([one, another].filter((each) => each !== undefined).length, 1)
  assert.equal(inspect('restarted', run)?.restarts, 1)
  assert.equal(await restartProcess(spec, run, first), undefined)
})

test('a process that is stopped on purpose is not restarted', async () => {
  const spec = specOf('unwanted', endless)
  const first = await startProcess(spec, run)
  await stopProcess('unwanted', run, 5_000)
  assert.equal(await restartProcess(spec, run, first), undefined)
})

test('one that hears no SIGTERM is killed; one that is paused hears it', async () => {
  const deaf = specOf('deaf', `trap '' TERM; ${endless}`)
  await startProcess(deaf, run)
  await until(() => logOf(deaf) === 'hello\n')
  assert.equal(await stopProcess('deaf', run, 50), true)
  assert.equal(inspect('deaf', run)?.isAlive, false)
  const paused = specOf('paused', `trap 'echo bye; exit' TERM; ${endless}`)
  await startProcess(paused, run)
  await until(() => logOf(paused) === 'hello\n')
  assert.equal(signalProcess('paused', run, 'SIGSTOP'), true)
  assert.equal(await stopProcess('paused', run, 30_000), true)
  assert.equal(logOf(paused), 'hello\nbye\n')
})

test('workers that outlive their master end before it starts again', async () => {
  const spec = specOf('master', 'sleep 1000 & echo $!; wait')
  const first = await startProcess(spec, run)
  await until(() => logOf(spec).endsWith('\n'))
  const worker = Number(logOf(spec))
  process.kill(first.pid, 'SIGKILL')
  await until(() => !inspect('master', run)!.isAlive)
  assert.notEqual(processStart(worker), undefined)
  await restartProcess(spec, run, first)
  assert.equal(processStart(worker), undefined)
})

test('a pid that a stranger has now is not taken for it, nor killed', async () => {
  const spec = specOf('stranger', endless)
  const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' })
  await once(stranger, 'spawn')
  writeState(run, {
    name: 'stranger',
    pid: stranger.pid!,
    processStart: 'another boot/1',
    restarts: 0,
    since: 0,
    isWanted: true,
  })
  try {
    assert.equal(inspect('stranger', run)?.isAlive, false)
    assert.equal(signalProcess('stranger', run, 'SIGKILL'), false)
    const state = await startProcess(spec, run)
    assert.notEqual(state.pid, stranger.pid)
    assert.equal(stranger.exitCode ?? stranger.signalCode, null)
  } finally {
    stranger.kill('SIGKILL')
  }
})

test('a group that a stranger leads now, or did until it ended, is not killed', async () => {
  // Whoever leads a group may end before its members.
  const leader = spawn('/bin/sh', ['-c', 'sleep 1000 >&- & echo $!'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  const [said] = await once(leader.stdout, 'data')
  const member = Number(said)
  await until(() => processStart(leader.pid!) === undefined)
  const [boot, ticks] = processStart(member)!.split('/')
  try {
    for (const start of ['another boot/1', `${boot}/${Number(ticks) + 1}`]) {
      const state = { name: 'led', pid: leader.pid!, processStart: start, restarts: 0, since: 0 }
      writeState(run, { ...state, isWanted: true })
      assert.equal(await stopProcess('led', run, 0), false)
      assert.notEqual(processStart(member), undefined, start)
    }
  } finally {
    process.kill(member, 'SIGKILL')
  }
})

test('who ends in order by another signal than SIGTERM is sent that one', async () => {
  const spec = specOf('drained', `trap 'echo drained; exit' QUIT; ${endless}`)
  await startProcess(spec, run)
  await until(() => logOf(spec) === 'hello\n')
  assert.equal(await stopProcess('drained', run, 30_000, 'SIGQUIT'), true)
  assert.equal(logOf(spec), 'hello\ndrained\n')
})

test('a command that is not there is in the log; a folder that is not is a sentence', async () => {
  const missing = { ...specOf('missing', ''), command: ['/no/such/command'] }
  await startProcess(missing, run)
  await until(() => /not found/.test(logOf(missing)))
  const homeless = { ...specOf('homeless', endless), cwd: join(directory, 'nowhere') }
  await assert.rejects(startProcess(homeless, run), { code: 'data_unreadable' })
})
