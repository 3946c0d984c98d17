/**
 * The shortest list of faults that still breaks the same invariant: delta debugging (Zeller and
 * Hildebrandt 2002) over the drawn faults. The rest of the draw stays as it is.
 */
import type { Draw } from './draw.ts'
import type { Fault } from './faults.ts'
import { type History, runHistory } from './history.ts'

const mostRuns = 300

/** The history of `draw` with as few of its faults as still break what `failed` broke. */
export async function shrink(failed: History): Promise<Draw> {
  const wanted = failed.violations[0]?.invariant
  let runs = 0
  const isBad = async (faults: readonly Fault[]): Promise<boolean> => {
    if (++runs > mostRuns) return false
    const { violations } = await runHistory({ ...failed.draw, faults })
    return violations.some(({ invariant }) => invariant === wanted)
  }
  let faults = failed.draw.faults
  if (await isBad([])) return { ...failed.draw, faults: [] }
  for (let parts = 2; parts <= faults.length; ) {
    const size = Math.ceil(faults.length / parts)
    let isShorter = false
    for (let start = 0; start < faults.length; start += size) {
      const rest = faults.filter((_, index) => index < start || index >= start + size)
      if (rest.length === faults.length || !(await isBad(rest))) continue
      faults = rest
      parts = Math.max(2, parts - 1)
      isShorter = true
      break
    }
    if (isShorter) continue
    if (size === 1) break
    parts = Math.min(faults.length, parts * 2)
  }
  return { ...failed.draw, faults }
}
