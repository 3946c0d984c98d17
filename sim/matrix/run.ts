/**
 * Runs cells: each with as many histories as are asked for in which its fault did happen at its
 * point. One that cannot be hit is a failure, as is one in which an invariant broke.
 */
import { setImmediate } from 'node:timers/promises'
import { Rejections } from '../campaign.ts'
import { type History, runHistory } from '../history.ts'
import { AimedDirector } from './aimed-director.ts'
import type { Cell } from './cells.ts'
import { drawCell } from './shops.ts'

export type Verdict = 'held' | 'broken' | 'never hit' | 'impossible'

export interface CellResult {
  readonly cell: Cell
  readonly verdict: Verdict
  /** Histories in which the fault happened at the point. */
  readonly hits: number
  readonly histories: number
  /** What broke, with its seed. */
  readonly broken: readonly string[]
}

/** A seed may draw a shop that does not come to the point; not this many times for each hit. */
const drawsPerHit = 8
const breathEvery = 20

export async function runCellSeed(
  cell: Cell,
  seed: number,
  isTold = false,
): Promise<{ history: History; isHit: boolean }> {
  const { draw, aim } = drawCell(cell, seed)
  let director: AimedDirector | undefined
  const history = await runHistory(draw, isTold, (shop) => {
    director = new AimedDirector(shop, cell, aim)
    return director
  })
  return { history, isHit: director?.isHit === true }
}

/** `wanted` hits of one cell, from `firstSeed` on. */
export async function runCell(cell: Cell, wanted: number, firstSeed = 1): Promise<CellResult> {
  const told = { cell, hits: 0, histories: 0, broken: [] as string[] }
  if (cell.impossible !== undefined) return { ...told, verdict: 'impossible' }
  const rejections = new Rejections()
  try {
    for (let seed = firstSeed; told.hits < wanted; seed++) {
      if (told.histories >= wanted * drawsPerHit) break
      if (told.histories % breathEvery === 0) await setImmediate()
      const { history, isHit } = await runCellSeed(cell, seed)
      told.histories++
      if (isHit) told.hits++
      const { violations } = history
      const texts = violations.map(({ invariant, text }) => `seed ${seed}: ${invariant} ${text}`)
      told.broken.push(...texts, ...rejections.take().map((each) => `seed ${seed}: ${each}`))
    }
  } finally {
    rejections.close()
  }
  if (told.broken.length > 0) return { ...told, verdict: 'broken' }
  return { ...told, verdict: told.hits < wanted ? 'never hit' : 'held' }
}
