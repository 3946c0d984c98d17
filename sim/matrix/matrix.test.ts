/** The matrix as a whole: its list of cells, its page, and that it can fail. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { cells, cellsNamed } from './cells.ts'
import type { Caught } from './hunt.ts'
import { pageOf, readPage } from './page.ts'
import { type CellResult, runCellSeed } from './run.ts'

const run = promisify(execFile)
const program = fileURLToPath(new URL('./hunt.ts', import.meta.url))

test('every cell has a name of its own, and those of one point are found by it', () => {
  assert.equal(new Set(cells.map(({ id }) => id)).size, cells.length)
  assert.equal(cellsNamed('P3/crash-stock/2pc-order').length, 4)
  assert.deepEqual(cellsNamed('P'), [])
})

/** A page without what a run found: which cells there are, and why some cannot be. */
const shapeOf = (page: string) =>
  page
    .replace(/^\d+ cells; .*\n.*$/m, '')
    .replace(/--seeds \d+/, '')
    .replace(/[✓✗?]/g, '*')

test('docs/MATRIX.md has these cells, and says of none that it broke or was not hit', () => {
  const results = cells.map((cell): CellResult => {
    const verdict = cell.impossible === undefined ? 'held' : 'impossible'
    return { cell, verdict, hits: 0, histories: 0, broken: [] }
  })
  const page = readPage()
  const told = 'make it anew: ./till sim --matrix --seeds 25 --write'
  assert.equal(shapeOf(page), shapeOf(pageOf(results, 0)), told)
  const tables = page.slice(page.indexOf('## '))
  assert.doesNotMatch(tables, /[✗?]/)
})

test('the same seed of a cell is the same history', async () => {
  const [cell] = cellsNamed('P5/crash-order/2pc-order/replicated')
  const once = await runCellSeed(cell!, 3, true)
  const again = await runCellSeed(cell!, 3, true)
  assert.equal(once.history.timeline.digest(), again.history.timeline.digest())
  assert.ok(once.history.timeline.lines.some((line) => line.includes(cell!.id)))
})

/** Known bugs that live at a point: the matrix is blind to them if none of its cells breaks. */
const met = [
  'no-recovery',
  'no-resending',
  'answer-before-decision',
  'effect-after-reply',
  'epoch-stays',
  'commit-repeats',
  'abort-releases-again',
  'compensate-restores-again',
  'mark-not-looked-at',
  'refused-without-closing',
]

describe('known bugs, put back in', { concurrency: 2 }, () => {
  for (const name of met) {
    test(name, async () => {
      const { stdout } = await run(process.execPath, [program, name])
      const caught: Caught | null = JSON.parse(stdout)
      assert.ok(caught !== null, 'no cell broke')
    })
  }
})
