import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Overrides, readConfig } from './config.ts'
import { ShopError } from './errors.ts'
import { settings } from './settings.ts'

/** The same examples on every run. */
const seed = 1
function wrongLines(overrides: Overrides, environment: Record<string, string> = {}): string[] {
  try {
    readConfig(overrides, environment)
  } catch (error) {
    assert.ok(error instanceof ShopError && error.code === 'invalid_settings')
    return error.message.split('\n  ').slice(1)
  }
  return []
}

test('nothing given: every default, and the defaults fit each other', () => {
  const config = readConfig({}, {})
  assert.deepEqual(Object.keys(config).toSorted(), Object.keys(settings).toSorted())
  assert.equal(config.port, 8000)
})

test('an override goes before the environment, which goes before the default', () => {
  assert.equal(readConfig({}, { PORT: '1234' }).port, 1234)
  assert.equal(readConfig({ port: '5' }, { PORT: '1234' }).port, 5)
  assert.equal(readConfig({}, { PORT: '' }).port, 8000, 'empty counts as not given')
})

test('all wrong settings are listed at once: what, what was given, what is right', () => {
  const lines = wrongLines({ port: '99999' }, { PROTOCOL: '3pc', AUDIT: 'yes', SWEEP_MS: '1e3' })
  assert.equal(lines.length, 4)
  assert.match(lines.join('\n'), /^PROTOCOL="3pc": must be one of 2pc, saga \(commit protocol/m)
  assert.match(lines.join('\n'), /^PORT="99999": must be a whole number from 0 to 65,535, in dig/m)
  assert.match(lines.join('\n'), /^AUDIT="yes": must be true or false/m)
  assert.match(lines.join('\n'), /^SWEEP_MS="1e3": must be a whole number from 10 to 600,000/m)
})

test('every setting names itself once when it is wrong, whatever it was given', () => {
  const variables = Object.values(settings).map(({ variable }) => variable)
  assert.equal(new Set(variables).size, variables.length)
  fc.assert(
    fc.property(
      fc.constantFrom(...variables),
      fc.string({ unit: 'binary-ascii' }),
      (variable, given) => {
        const lines = wrongLines({}, { [variable]: given })
        assert.ok(lines.length <= 1)
        for (const line of lines) assert.ok(line.startsWith(`${variable}=`))
      },
    ),
    { seed },
  )
})

test('a prefix of topics is what Kafka allows in their names', () => {
  for (const given of ['my shop', 'a/b', 'x'.repeat(201)]) {
    assert.match(wrongLines({ kafkaPrefix: given })[0]!, /^KAFKA_PREFIX=.*letters, digits/)
  }
  assert.equal(readConfig({ kafkaPrefix: 'My.shop_2-a' }, {}).kafkaPrefix, 'My.shop_2-a')
})

test('a long wrong value is cut, control characters are escaped', () => {
  const [line] = wrongLines({}, { HOST: `\u001b[2J${'x'.repeat(5_000)}` })
  assert.ok(line && line.length < 300)
  assert.match(line, /^HOST="\\u001b/)
})

test('settings that do not fit each other', () => {
  for (const [overrides, right] of [
    [{ resendFirstMs: '5000' }, 'RESEND_FIRST_MS=5000: must be at most RESEND_MAX_MS=2000'],
    [{ busyFirstMs: '101' }, 'BUSY_FIRST_MS=101: must be at most BUSY_MAX_MS=100'],
    [{ checkoutDeadlineMs: '50' }, 'BUSY_MAX_MS=100: must be at most CHECKOUT_DEADLINE_MS=50'],
    [
      { headersTimeoutMs: '20000' },
      'HEADERS_TIMEOUT_MS=20000: must be at most REQUEST_TIMEOUT_MS=10000',
    ],
    [{ internalPort: '8000' }, 'INTERNAL_PORT=8000: must differ from PORT, or be 0'],
  ] as const) {
    assert.deepEqual(wrongLines(overrides), [right])
  }
  assert.equal(readConfig({ port: '0', internalPort: '0' }, {}).port, 0)
})

test('an override of no setting is wrong, also when it is a name of every object', () => {
  for (const name of ['prot', '__proto__', 'constructor']) {
    const overrides = Object.fromEntries([[name, '1']])
    assert.deepEqual(wrongLines(overrides), [`"${name}": there is no such setting`])
  }
})
