/** Every small scope, walked to its end in each variant; known bugs of the rules are met there. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { variants } from '../draw.ts'
import type { Catch } from './hunt.ts'
import { scopes } from './scopes.ts'
import { Walker } from './walk.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('./hunt.ts', import.meta.url))

describe('exhaustive walk', () => {
  for (const scope of scopes) {
    for (const variant of variants.filter((each) => scope.variants.includes(each))) {
      test(`${scope.name}, ${variant}`, () => {
        const { states, transitions, ends, broken } = new Walker(scope, variant).run()
        const told = broken === undefined ? '' : `${broken.text}\n${broken.way.join('\n')}`
        assert.equal(broken, undefined, told)
        assert.ok(ends > 0 && transitions >= states, 'it came to no end')
      })
    }
  }
})

/** The others need what these scopes do not have: a restock between, or another order's credit. */
const met = [
  'commit-repeats',
  'no-tombstone-for-abort',
  'no-tombstone-for-compensate',
  'prepare-holds-again',
  'execute-takes-again',
  'compensate-restores-again',
  'abort-releases-again',
  'abort-to-voters-only',
  'commit-before-all-votes',
  'decision-not-logged',
  'compensation-forgets-the-unanswered',
  'compensation-forgets-the-executed',
  'add-item-in-checkout',
  'paid-twice',
  'frozen-twice',
]

describe('known bugs, put back in', { concurrency: 2 }, () => {
  for (const name of met) {
    test(name, async () => {
      const { stdout } = await run(process.execPath, [program, name])
      const caught: Catch | null = JSON.parse(stdout)
      assert.ok(caught !== null, 'no scope broke')
      assert.ok(caught.way.length > 0)
    })
  }
})
