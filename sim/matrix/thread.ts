/** A thread of in-threads.ts: runs cells. */
import { work } from '../crew.ts'
import { cells } from './cells.ts'
import type { CellFindings, CellJob } from './in-threads.ts'
import { runCell } from './run.ts'

work(async ({ index, wanted, firstSeed }: CellJob): Promise<CellFindings> => {
  const { cell: _, ...findings } = await runCell(cells[index]!, wanted, firstSeed)
  return findings
})
