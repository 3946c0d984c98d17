/** A thread of a shared matrix (shared.ts): runs cells. */
import { work } from '../crew.ts'
import { cells } from './cells.ts'
import { runCell } from './run.ts'
import type { CellFindings, CellJob } from './shared.ts'

work(async ({ index, wanted, firstSeed }: CellJob): Promise<CellFindings> => {
  const { cell: _, ...findings } = await runCell(cells[index]!, wanted, firstSeed)
  return findings
})
