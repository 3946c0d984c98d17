/** Cells shared out among threads. */
import { Crew } from '../crew.ts'
import type { Cell } from './cells.ts'
import type { CellResult } from './run.ts'

export interface CellJob {
  /** Of the cell, among all. */
  readonly index: number
  readonly wanted: number
  readonly firstSeed: number
}

/** A cell's point has functions, which do not travel between threads. */
export type CellFindings = Omit<CellResult, 'cell'>

/** Results in the order of the cells; `onDone` hears of each cell as it ends. */
export async function runInThreads(
  cells: readonly Cell[],
  { wanted, firstSeed }: Omit<CellJob, 'index'>,
  size: number,
  onDone: () => void,
): Promise<readonly CellResult[]> {
  const threads = new Crew<CellJob, CellFindings>(new URL('thread.ts', import.meta.url), size)
  try {
    return await Promise.all(
      cells.map(async (cell) => {
        const findings = await threads.do({ index: cell.index, wanted, firstSeed })
        onDone()
        return { cell, ...findings }
      }),
    )
  } finally {
    await threads.close()
  }
}
