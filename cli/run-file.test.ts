/** The run file: stale ones, foreign ones, and whose it is to remove. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { processStart } from '../lib/runtime/process-identity.ts'
import { type RunFile, readRunFile, removeRunFile, runFilePath, writeRunFile } from './run-file.ts'

const data = mkdtempSync(join(tmpdir(), 'till-run-file-'))
after(() => rmSync(data, { recursive: true }))

const mine: RunFile = {
  pid: process.pid,
  processStart: processStart(process.pid)!,
  state: 'running',
  host: 'localhost',
  port: 8000,
  internalHost: '127.0.0.1',
  internalPort: 8001,
  variant: '2pc/order',
  startedAt: 1_700_000_000_000,
}

test('what was written is read again, and no draft of it is left', () => {
  writeRunFile(data, mine)
  assert.deepEqual(readRunFile(data), mine)
  assert.deepEqual(readdirSync(data), ['shop.json'])
})

test('a pid that another process has now is not the shop', () => {
  writeRunFile(data, { ...mine, processStart: 'another boot/1' })
  assert.equal(readRunFile(data), undefined)
})

test('a process that has ended is not the shop', async () => {
  const child = spawn(process.execPath, ['--eval', 'process.stdin.resume()'])
  try {
    const start = processStart(child.pid!)!
    writeRunFile(data, { ...mine, pid: child.pid!, processStart: start })
    assert.equal(readRunFile(data)?.pid, child.pid)
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  assert.equal(readRunFile(data), undefined)
})

test('what is not a run file counts as none', () => {
  for (const text of ['', '{', '[]', '{"pid":"1"}', JSON.stringify({ ...mine, pid: -1 })]) {
    writeFileSync(runFilePath(data), text)
    assert.equal(readRunFile(data), undefined)
  }
})

test('only its own process removes it', () => {
  writeRunFile(data, mine)
  removeRunFile(data, mine.pid + 1)
  assert.ok(existsSync(runFilePath(data)))
  removeRunFile(data, mine.pid)
  assert.ok(!existsSync(runFilePath(data)))
})

test('a directory that cannot be written to is a sentence', () => {
  assert.throws(() => writeRunFile(join(data, 'missing'), mine), { code: 'data_unreadable' })
})
