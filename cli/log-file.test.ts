/** The end of log files, and ./till logs over them. */
import assert from 'node:assert/strict'
import { appendFileSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { writeTopology } from '../watchdog/process-spec.ts'
import { topologyPath } from './engines/running-specs.ts'
import { lastLines, linesFrom } from './log-file.ts'
import { run, start, until } from './real-till.ts'

const data = mkdtempSync(join(tmpdir(), 'till-log-file-'))
after(() => rmSync(data, { recursive: true }))
const logPath = join(data, 'stock.log')
writeTopology(topologyPath(data), [
  {
    name: 'stock',
    kind: 'service',
    command: ['true'],
    env: {},
    cwd: data,
    logPath,
    probe: { kind: 'none' },
  },
])

const warning = (msg: string) => `${JSON.stringify({ level: 'warn', msg })}\n`
const logs = ['logs', 'stock', `--data=${data}`]

test('the last lines are whole ones, of any length, and where they end is told', () => {
  const long = 'x'.repeat(200_000)
  writeFileSync(logPath, `first\n${long}\nlast\nunfinished`)
  const end = `first\n${long}\nlast\n`.length
  assert.deepEqual(lastLines(logPath, 1), { lines: ['last'], end })
  assert.deepEqual(lastLines(logPath, 2), { lines: [long, 'last'], end })
  assert.deepEqual(lastLines(logPath, 99), { lines: ['first', long, 'last'], end })
  assert.deepEqual(lastLines(logPath, 0), { lines: [], end })
  assert.deepEqual(lastLines(join(data, 'none'), 9), { lines: [], end: 0 })
})

test('what comes is told line by line, and a file begun anew from its beginning', async () => {
  const told: string[] = []
  const tell = (line: string) => void told.push(line)
  writeFileSync(logPath, 'old\nha')
  let at = await linesFrom(logPath, 4, tell)
  appendFileSync(logPath, 'lf\nmore\n')
  at = await linesFrom(logPath, at, tell)
  writeFileSync(logPath, 'new\n')
  assert.equal(await linesFrom(logPath, at, tell), 4)
  assert.deepEqual(told, ['half', 'more', 'new'])
})

test('none are none, and the end of a file that no string can hold is its end', async () => {
  writeFileSync(logPath, '')
  truncateSync(logPath, 600_000_000)
  appendFileSync(logPath, `\n${warning('one')}${warning('two')}`)
  const none = await run(...logs, '--lines=0')
  assert.deepEqual(none, { code: 0, stdout: '', stderr: '' })
  // What is no terminal gets no colours, whatever the environment says of it.
  const two = await run('CI=1', 'FORCE_COLOR=1', ...logs, '--lines=2')
  assert.deepEqual(two, { code: 0, stdout: ' warn  one\n warn  two\n', stderr: '' })
})

test('what follows is as readable as what was there', async () => {
  writeFileSync(logPath, warning('before'))
  const following = start(...logs, '--follow')
  try {
    await until(() => following.said.stdout === ' warn  before\n')
    appendFileSync(logPath, warning('after').slice(0, 5))
    appendFileSync(logPath, warning('after').slice(5))
    await until(() => following.said.stdout.endsWith('after\n') || /\{/.test(following.said.stdout))
    assert.equal(following.said.stdout, ' warn  before\n warn  after\n')
  } finally {
    following.kill('SIGKILL')
    await following.ended
  }
})
