/** One Ctrl-C that comes twice. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEchoFilter, echoMs } from './process-host.ts'

test('a signal that comes twice at once is one wish; later, or another one, is a second', () => {
  const isEcho = createEchoFilter()
  assert.equal(isEcho('SIGINT', 0), false)
  assert.equal(isEcho('SIGINT', 5), true)
  assert.equal(isEcho('SIGTERM', 6), false)
  assert.equal(isEcho('SIGINT', echoMs), false)
})
