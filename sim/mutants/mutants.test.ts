/** Every mutant still fits the code that it changes; gate.ts sees that each is caught. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { mutants } from './all.ts'

test('every mutant finds its text exactly once', () => {
  assert(mutants.length >= 20)
  const wrong = mutants.filter(({ file, find }) => {
    const source = readFileSync(new URL(`../../${file}`, import.meta.url), 'utf8')
    return source.split(find).length !== 2
  })
  const names = wrong.map(({ name, file }) => `${name} in ${file}`)
  assert.deepEqual(names, [])
})
