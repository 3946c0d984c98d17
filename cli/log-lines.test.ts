/** Log lines for people. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readableLine } from './log-lines.ts'
import { coloursOn } from './terminal.ts'

const read = (text: string) => readableLine(text, coloursOn({}))

test('a log line as people read it', () => {
  const line = {
    level: 'warn',
    time: '2026-01-02T03:04:05.678Z',
    topic: 'stock',
    msg: 'Not handled',
  }
  assert.equal(read(JSON.stringify(line)), '03:04:05 warn  Not handled topic=stock')
  const fields = { level: 'info', why: 'two words', count: 3, msg: 'Said' }
  assert.equal(read(JSON.stringify(fields)), ' info  Said why="two words" count=3')
})

test('what is not a log line stays as it is', () => {
  for (const text of ['', 'plain words', '{', 'null', '3', '{"no":"level"}']) {
    assert.equal(read(text), text)
  }
})
