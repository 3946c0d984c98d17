/** Every mutant still fits the code that it changes, and a few are caught at once. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { mutants } from './all.ts'
import type { Kill } from './hunt.ts'

test('every mutant finds its text exactly once', () => {
  assert(mutants.length >= 20)
  const wrong = mutants.filter(({ file, find }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    return source.split(find).length !== 2
  })
  const names = wrong.map(({ name, file }) => `${name} in ${file}`)
  assert.deepEqual(names, [])
})

for (const name of ['commit-repeats', 'compensation-forgets-the-executed', 'no-resending']) {
  test(`the mutant ${name} is caught`, () => {
    const file = fileURLToPath(new URL('hunt.ts', import.meta.url))
    const printed = execFileSync(process.execPath, [file, name, '60', '1'], { encoding: 'utf8' })
    const [kill] = JSON.parse(printed) as Kill[]
    assert.notEqual(kill?.histories, undefined)
  })
}
