import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { type ErrorCode, ShopError, statusOf } from './errors.ts'
import { createLog } from './log.ts'
import { tellerOf } from './thrown.ts'

const route = { method: 'POST', path: '/thing/{id}' } as const

function opened() {
  const lines: string[] = []
  const clock = { ...systemClock, now: () => clock.ms, ms: 0 }
  const told = tellerOf(createLog('warn', { write: (line) => void lines.push(line) }), clock)
  return { lines, clock, told }
}

test('what an error says of the inside is for the log, whatever its code', () => {
  const { told, lines } = opened()
  const secret = 'The Redis at 10.0.0.7:6379 refuses REDIS_PASSWORD.'
  for (const code of Object.keys(statusOf) as ErrorCode[]) {
    if (code === 'not_known_yet') continue
    const answer = told(new ShopError(code, secret), route)
    assert(answer.kind === 'problem')
    assert.equal(answer.code, statusOf[code] === 500 ? 'internal' : code)
    assert.doesNotMatch(answer.detail, /Redis|10\.0|REDIS/)
    assert.match(lines.at(-1)!, /10\.0\.0\.7/)
  }
  // Wherever it is thrown it is worded for clients.
  const look = told(new ShopError('not_known_yet', 'Look at the order.'), route)
  assert(look.kind === 'problem' && look.detail === 'Look at the order.')
})

test('a code is told to the log every ten seconds, beside the others', () => {
  const { told, lines, clock } = opened()
  const meet = (code: ErrorCode) => void told(new ShopError(code, `${code} at ${clock.ms}`), route)
  for (; clock.ms < 25_000; clock.ms += 100) {
    meet('storage_unavailable')
    if (clock.ms >= 5_000) meet('storage_full')
  }
  const said = lines.map((line) => JSON.parse(line).error.message)
  assert.deepEqual(said, [
    'storage_unavailable at 0',
    'storage_full at 5000',
    'storage_unavailable at 10000',
    'storage_full at 15000',
    'storage_unavailable at 20000',
  ])
})
