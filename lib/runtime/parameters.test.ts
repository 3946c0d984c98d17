import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limitsOf, parametersParser } from './parameters.ts'

/** The same examples on every run. */
const seed = 1
const maxBatchRecords = 1_000
const parse = (kind: 'id' | 'amount' | 'count' | 'size', text: string) => {
  const route = { path: '/a/{x}', parameters: { x: kind } }
  return parametersParser(route, maxBatchRecords)({ x: text })
}
const numberKind = fc.constantFrom('amount', 'count', 'size')

test('a number within the limits of its kind is read as itself, in its one spelling', () => {
  fc.assert(
    fc.property(numberKind, fc.maxSafeNat(), (kind, value) => {
      const parsed = parse(kind, String(value))
      const { least, greatest } = limitsOf(kind, maxBatchRecords)
      if (value < least || value > greatest) assert.equal(typeof parsed, 'string')
      else assert.equal(typeof parsed === 'object' && parsed.number('x'), value)
    }),
    { seed },
  )
})

test('a text that is no plain spelling of a number is refused', () => {
  fc.assert(
    fc.property(numberKind, fc.string({ unit: 'binary-ascii' }), (kind, text) => {
      const plain = /^[0-9]+$/.test(text) && String(Number(text)) === text
      fc.pre(!plain)
      assert.equal(typeof parse(kind, text), 'string')
    }),
    { seed },
  )
})

test('limits: 2^53-1 is the last number, zero only counts', () => {
  for (const [kind, text, right] of [
    ['amount', '9007199254740991', true],
    ['amount', '9007199254740992', false],
    ['amount', '1', true],
    ['amount', '0', false],
    ['count', '0', true],
    ['count', '00', false],
    ['count', '-0', false],
    ['size', '1000', true],
    ['size', '1001', false],
    ['size', '0', false],
  ] as const) {
    assert.equal(typeof parse(kind, text) === 'object', right, `${kind} ${text}`)
  }
})

test('an id is 1 to 64 characters of its alphabet and nothing else', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/), (text) => {
      const parsed = parse('id', text)
      assert.equal(typeof parsed === 'object' && parsed.id('x'), text)
    }),
    { seed },
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii' }), (text) => {
      fc.pre([...text].some((character) => !/[A-Za-z0-9_-]/.test(character)))
      assert.equal(typeof parse('id', text), 'string')
    }),
    { seed },
  )
  assert.equal(typeof parse('id', ''), 'string')
  assert.equal(typeof parse('id', 'a'.repeat(65)), 'string')
  assert.equal(typeof parse('id', 'a\n'), 'string')
})

test('what is wrong names the parameter and says what would be right', () => {
  assert.match(String(parse('size', '1e3')), /'x'.*from 1 to 1000/)
  assert.match(String(parse('id', '..')), /'x'.*1 to 64/)
})

test('names of objects are names like any other', () => {
  const route = { path: '/a/{id}/{n}', parameters: { id: 'id', n: 'count' } } as const
  const parsed = parametersParser(route, maxBatchRecords)({ id: '__proto__', n: '7' })
  assert.ok(typeof parsed === 'object')
  assert.equal(parsed.id('id'), '__proto__')
  assert.equal(parsed.number('n'), 7)
  assert.throws(() => parsed.number('id'), /no number named id/)
  assert.throws(() => parsed.id('constructor'), /no id named constructor/)
})

test('a path and a table of parameters that differ are a bug', () => {
  const wrong = { path: '/a/{x}', parameters: { y: 'id' } } as const
  assert.throws(() => parametersParser(wrong, maxBatchRecords), /names in the path/)
})
