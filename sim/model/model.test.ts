/** The formal model holds, can do what it is about, and finds every flaw that is put into it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { missing } from './alloy.ts'
import { abilities, expose, models, prove, witness } from './check.ts'
import { flaws } from './flaws.ts'

const lack = missing()
const skip = lack === undefined ? false : `THE FORMAL MODEL IS NOT CHECKED: ${lack}`

test('the formal model can be checked here', { skip: skip !== false && !process.env.CI }, () => {
  assert.equal(lack, undefined)
})

describe('formal model', { skip }, () => {
  for (const model of models) {
    test(`${model}: no history breaks an invariant`, async () => {
      assert.deepEqual((await prove(model, false)).counterExample, [])
    })
  }

  for (const ability of abilities) {
    test(`${ability.model}: ${ability.name}`, async () => {
      assert((await witness(ability)).length > 5)
    })
  }

  for (const flaw of flaws) {
    test(`${flaw.model}, ${flaw.name}: a counter-example`, async () => {
      const lines = await expose(flaw)
      assert(lines.length > 1, `${flaw.models}: not noticed`)
    })
  }
})
