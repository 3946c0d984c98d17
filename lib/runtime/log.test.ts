import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLog } from './log.ts'

function memory() {
  const lines: string[] = []
  const parsed = () => lines.map((line) => JSON.parse(line))
  return { write: (line: string) => void lines.push(line), parsed }
}

test('a line is JSON: level by name, time, message, fields', () => {
  const to = memory()
  createLog('info', to).child({ service: 'stock' }).warn('Disk is slow', { ms: 12 })
  const [{ time, ...line }] = to.parsed()
  assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
  assert.deepEqual(line, { level: 'warn', service: 'stock', ms: 12, msg: 'Disk is slow' })
})

test('lines below the level are not written', () => {
  const to = memory()
  const log = createLog('warn', to)
  log.debug('no')
  log.info('no')
  log.child({}).info('no')
  log.error('yes')
  log.fatal('yes')
  assert.deepEqual(
    to.parsed().map(({ msg }) => msg),
    ['yes', 'yes'],
  )
})

test('an error keeps its stack and its cause', () => {
  const to = memory()
  const error = new Error('outer', { cause: new Error('inner') })
  createLog('info', to).error('Broken', { error })
  const [line] = to.parsed()
  assert.match(line.error.stack, /log\.test\.ts/)
  assert.match(line.error.stack, /inner/)
})
