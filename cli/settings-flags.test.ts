/** Flags become settings, and settings flags. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig, variantOf } from '../lib/runtime/config.ts'
import { flagsOf, overridesOf, parseVariant } from './settings-flags.ts'

test('a variant is two settings', () => {
  assert.deepEqual(parseVariant('saga/orchestrator'), {
    protocol: 'saga',
    coordination: 'orchestrator',
  })
})

test('half a variant leaves the other half as it is', () => {
  assert.deepEqual(parseVariant('saga'), { protocol: 'saga' })
  assert.equal(variantOf(readConfig(parseVariant('saga'), {})), 'saga/order')
  assert.equal(variantOf(readConfig(parseVariant('/orchestrator'), {})), '2pc/orchestrator')
})

test('a wrong variant is a wrong setting like any other, each half by itself', () => {
  for (const variant of ['3pc/nobody', '3pc/order/nobody']) {
    assert.throws(() => readConfig(parseVariant(variant), {}), {
      code: 'invalid_settings',
      message: /PROTOCOL="3pc".*COORDINATION=/s,
    })
  }
})

test('a flag of one setting goes before the variant', () => {
  const overrides = overridesOf({ variant: 'saga/order', coordination: 'orchestrator', port: '0' })
  assert.deepEqual(overrides, { protocol: 'saga', coordination: 'orchestrator', port: '0' })
})

test('overrides become the flags that they came from', () => {
  const given = { variant: 'saga/orchestrator', data: '/tmp/a b', port: '0', internalPort: '81' }
  assert.deepEqual(flagsOf(overridesOf(given)), [
    '--protocol=saga',
    '--coordination=orchestrator',
    '--data=/tmp/a b',
    '--port=0',
    '--internal-port=81',
  ])
})
