/**
 * Every cell of one variant must be hit and hold, in the seeds of the day. A file for each variant,
 * because files are what the test runner shares out among processes.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../../lib/runtime/clock.ts'
import type { Variant } from '../draw.ts'
import { cells } from './cells.ts'
import { type CellResult, runCell } from './run.ts'

const hitsOfEach = 5
const dayMs = 86_400_000
/** Days are this many seeds apart: no two share one. */
const apart = 100

export function gate(variant: Variant): void {
  const firstSeed = Math.floor(systemClock.wallTime() / dayMs) * apart
  test(`every cell of ${variant}, ${hitsOfEach} times from seed ${firstSeed}`, async (context) => {
    const results: CellResult[] = []
    for (const cell of cells.filter((each) => each.variant === variant)) {
      results.push(await runCell(cell, hitsOfEach, firstSeed))
    }
    const bad = results.filter(({ verdict }) => verdict === 'broken' || verdict === 'never hit')
    assert.deepEqual(
      bad.map(({ cell, verdict, broken }) => `${cell.id}: ${verdict} ${broken[0] ?? ''}`),
      [],
      'replay: ./till sim --matrix --cell CELL --seed N',
    )
    const held = results.filter(({ verdict }) => verdict === 'held').length
    context.diagnostic(`${held} of ${results.length} cells, the others are impossible`)
    assert.ok(held > results.length / 2)
  })
}
