import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { test } from 'node:test'
import type { Clock } from './clock.ts'
import { createLifecycle, type Host, type Part, runProcess } from './lifecycle.ts'
import { createLog } from './log.ts'

/** Time stands still until `pass` is called. */
function handClock() {
  const due = new Set<() => void>()
  const clock: Clock = {
    now: () => 0,
    wallTime: () => 0,
    after(_ms, run) {
      due.add(run)
      return { cancel: () => void due.delete(run) }
    },
    every: () => assert.fail('nothing is periodic here'),
    sleep: () => assert.fail('nothing sleeps here'),
  }
  return { clock, due, pass: () => [...due].forEach((run) => void run()) }
}

/** Lets everything that can go on without time or signals go on. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

function setUp() {
  const said: string[] = []
  const lines: string[] = []
  const log = createLog('info', { write: (line) => void lines.push(line) })
  const time = handClock()
  const events = new EventEmitter()
  const host: Host = {
    on: (event, run) => events.on(event, run),
    exit: (code) => void said.push(`exit ${code}`),
    endsWith: () => {},
    print: (sentence) => void said.push(sentence),
  }
  const lifecycle = createLifecycle({ log, clock: time.clock })
  const part = (name: string, more: Partial<Part> & { stop?: () => Promise<void> } = {}) =>
    lifecycle.add({
      name,
      stopWithinMs: 100,
      start() {
        said.push(`start ${name}`)
        return { stop: more.stop ?? (() => void said.push(`stop ${name}`)) }
      },
      ...(more.start && { start: more.start }),
    })
  return {
    said,
    lines,
    time,
    events,
    lifecycle,
    part,
    run: () => runProcess(lifecycle, { log, host }),
  }
}

test('parts start in order and a signal stops them in reverse', async () => {
  const { said, events, part, run } = setUp()
  for (const name of ['storage', 'bus', 'http']) part(name)
  await run()
  events.emit('SIGTERM')
  await settle()
  assert.deepEqual(said, [
    ...['start storage', 'start bus', 'start http'],
    ...['stop http', 'stop bus', 'stop storage', 'exit 0'],
  ])
})

test('a second signal ends at once, with the code of that signal', async () => {
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    const { said, events, part, run } = setUp()
    part('stuck', { stop: () => new Promise(() => {}) })
    await run()
    events.emit('SIGTERM')
    events.emit(signal)
    await settle()
    assert.deepEqual(said, ['start stuck', `exit ${code}`])
  }
})

test('a stop that hangs or throws is logged by name and does not hold the others', async () => {
  const { said, lines, time, part, lifecycle } = setUp()
  part('first')
  part('hangs', { stop: () => new Promise(() => {}) })
  part('throws', { stop: () => Promise.reject(new Error('broken')) })
  await lifecycle.start()
  const stopped = lifecycle.stop()
  await settle()
  assert.ok(!said.includes('stop first'))
  time.pass()
  await stopped
  assert.ok(said.includes('stop first'))
  assert.deepEqual(
    lines.map((line) => JSON.parse(line).part),
    ['throws', 'hangs'],
  )
  assert.equal(time.due.size, 0, 'no timer is left')
})

test('a part that cannot start stops those before it; its sentence is printed', async () => {
  const { said, part, run } = setUp()
  part('storage')
  part('http', { start: () => Promise.reject(new Error('PORT=1: taken.')) })
  part('never')
  await run()
  assert.deepEqual(said, ['start storage', 'stop storage', 'PORT=1: taken.', 'exit 1'])
})

test('a part that fails later ends the process in order, with its sentence', async () => {
  const { said, part, run, lifecycle } = setUp()
  part('storage')
  await run()
  lifecycle.fail(new Error('The disk is full.'))
  lifecycle.fail(new Error('And again.'))
  await settle()
  assert.deepEqual(said, ['start storage', 'The disk is full.', 'stop storage', 'exit 1'])
})

test('a bug that escapes is logged with its stack and ends the process at once', async () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    const { said, lines, events, part, run } = setUp()
    part('storage')
    await run()
    events.emit(event, new Error('bug'))
    assert.deepEqual(said, ['start storage', 'exit 70'])
    assert.match(JSON.parse(lines[0]!).error.stack, /lifecycle\.test\.ts/)
  }
})

test('a signal during the start stops what has started, also what was just starting', async () => {
  const { said, events, part, run } = setUp()
  const gate = Promise.withResolvers<void>()
  part('storage')
  part('slow', {
    async start() {
      await gate.promise
      return { stop: () => void said.push('stop slow') }
    },
  })
  part('never')
  const started = run()
  await settle()
  events.emit('SIGINT')
  gate.resolve()
  await started
  await settle()
  assert.deepEqual(said, ['start storage', 'stop slow', 'stop storage', 'exit 0'])
})

/** Runs a shop of one part in a process of its own, and `then` once it has started. */
function inProcess(then: string) {
  const code = `
    import { createLifecycle, runProcess } from './lifecycle.ts'
    import { createLog } from './log.ts'
    import { systemClock as clock } from './clock.ts'
    const log = createLog('info')
    const lifecycle = createLifecycle({ log, clock })
    const alive = setInterval(() => {}, 1_000)
    const stop = () => console.log('stopped')
    lifecycle.add({ name: 'http', stopWithinMs: 1_000, start: () => ({ stop }) })
    await runProcess(lifecycle, { log })
    ${then}`
  return spawn(process.execPath, ['--input-type=module', '-e', code], { cwd: import.meta.dirname })
}

for (const [what, then, exit, stdout, stderr] of [
  ['SIGTERM', `process.kill(process.pid, 'SIGTERM')`, 0, 'stopped\n', /"signal":"SIGTERM"/],
  ['an exception', `setImmediate(() => { throw new Error('bug') })`, 70, '', /"stack":"Error: bug/],
  ['a rejection', `Promise.reject(new Error('bug'))`, 70, '', /"stack":"Error: bug/],
  ['a failure', `lifecycle.fail(new Error('Full.'))`, 1, 'stopped\n', /\nFull\.\n/],
] as const) {
  test(`a real process, ${what}: exit code ${exit}`, async () => {
    const child = inProcess(then)
    const exited = once(child, 'close')
    const [out, err] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()])
    const [code] = await exited
    assert.deepEqual([code, Buffer.concat(out).toString()], [exit, stdout])
    assert.match(Buffer.concat(err).toString(), stderr)
  })
}
