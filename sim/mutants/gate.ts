/**
 * Every mutant must be caught within few histories, so that who weakens a checker or a draw hears
 * of it at once. Two files share them out, because files are what the test runner runs at once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hunt } from './campaign.ts'
import type { Mutant } from './mutant.ts'

const gateHistories = 200
/** In place of a number of starts. */
const keptSeedsFirst = 0

export function gate(mutants: readonly Mutant[]): void {
  for (const mutant of mutants) {
    test(`the mutant ${mutant.name} is caught within ${gateHistories} histories`, async () => {
      const { kills } = await hunt(mutant, gateHistories, keptSeedsFirst)
      assert.notEqual(kills[0]?.histories, undefined, `it survived: ${mutant.models}`)
    })
  }
}
