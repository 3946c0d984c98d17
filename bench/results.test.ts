import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withTable } from './results.ts'

const page = 'above\n<!-- results: one -->\nold\n<!-- end of results -->\nbelow\n'
const result = { name: 'one', caption: 'Said.', head: ['a', 'b'], rows: [['1', '2']], details: {} }

test('a table takes the place of what stood between its markers, and of nothing else', () => {
  assert.equal(
    withTable(page, result),
    'above\n<!-- results: one -->\nSaid.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n' +
      '<!-- end of results -->\nbelow\n',
  )
})

test('making a table again changes nothing', () => {
  const once = withTable(page, result)
  assert.equal(withTable(once, result), once)
})

test('a page without a place for it is an error', () => {
  assert.throws(() => withTable(page, { ...result, name: 'two' }), /no place for results/)
})
