/**
 * What becomes of the branches that a coordinator's low-water mark has passed: they are dropped, or
 * with AUDIT kept for ever and not looked at again. What is held or parked below the mark, which
 * only a storage that has lost writes can bring about, is never dropped nor forgotten.
 *
 * After a crash anywhere in it the next sweep does the rest.
 */
import type { ChurnMap } from '../runtime/churn-map.ts'
import type { Draft, Storage } from '../storage/storage.ts'
import type { StoredBranch } from './branch-records.ts'
import { heldKey, markKey } from './keys.ts'

/** What a participant remembers of a branch record. */
export interface Known {
  readonly transaction: string
  readonly isUndecided: boolean
  askAgainAt: number
  /** The coordinator may answer with a mark that has passed it. */
  hasAsked: boolean
  isReported: boolean
  /** With AUDIT: the storage tells of it under its `heldKey`. */
  isHeld: boolean
}

export interface Sweep {
  readonly storage: Storage
  readonly partition: number
  readonly coordinator: string
  /** By branch key; what has been dealt with is forgotten. */
  readonly known: ChurnMap<string, Known>
  readonly mark: string
  /** Known keys below the mark; emptied. */
  readonly passed: string[]
  /** One that is held or parked all the same. */
  onLeft(branch: Known): void
}

/** Records looked at by one step. */
const sweptAtOnce = 200

/** The mark is written before anything is dropped: it is what refuses a late command then. */
export async function dropBranches(sweep: Sweep): Promise<void> {
  const { storage, partition, coordinator, passed } = sweep
  do {
    const keys = passed.splice(0, sweptAtOnce)
    const gone = await storage.transact(partition, [markKey(coordinator), ...keys], (draft) => {
      raiseMark(draft, sweep)
      const droppable = droppableOf(draft, keys)
      for (const key of droppable) draft.delete(key)
      return droppable
    })
    settle(sweep, keys, gone)
  } while (passed.length > 0)
}

/** Which branches are held is written before the mark, or with it: below it nobody looks. */
export async function passBranches(sweep: Sweep): Promise<void> {
  const { storage, partition, coordinator, known, passed } = sweep
  const held: string[] = []
  const freed: string[] = []
  while (passed.length > 0) {
    const keys = passed.splice(0, sweptAtOnce)
    const gone = await storage.transact(partition, keys, (draft) => droppableOf(draft, keys))
    for (const key of keys) {
      const isHeld = known.get(key)?.isHeld === true
      if (gone.has(key) && isHeld) freed.push(key)
      if (!gone.has(key) && !isHeld) held.push(key)
    }
    settle(sweep, keys, gone)
  }
  do {
    const newlyHeld = held.splice(0, sweptAtOnce)
    const newlyFreed = freed.splice(0, sweptAtOnce)
    const isLast = held.length + freed.length === 0
    const keys = [...newlyHeld, ...newlyFreed].map(heldKey)
    await storage.transact(partition, [markKey(coordinator), ...keys], (draft) => {
      for (const key of newlyHeld) draft.put(heldKey(key), true)
      for (const key of newlyFreed) draft.delete(heldKey(key))
      if (isLast) raiseMark(draft, sweep)
    })
    for (const key of newlyHeld) {
      const branch = known.get(key)
      if (branch !== undefined) branch.isHeld = true
    }
  } while (held.length + freed.length > 0)
}

function raiseMark(draft: Draft, { coordinator, mark }: Sweep): void {
  const lowest = draft.get<string>(markKey(coordinator)) ?? ''
  if (lowest < mark) draft.put(markKey(coordinator), mark)
}

const droppableOf = (draft: Draft, keys: readonly string[]): ReadonlySet<string> =>
  new Set(keys.filter((key) => isDroppable(draft.get<StoredBranch>(key))))

/** Executed is final once the mark has passed it; prepared is a hold that somebody must end. */
function isDroppable(record: StoredBranch | undefined): boolean {
  return record === undefined || (record.state !== 'prepared' && record.parked === undefined)
}

function settle({ known, onLeft }: Sweep, keys: readonly string[], gone: ReadonlySet<string>) {
  for (const key of keys) {
    const branch = known.get(key)
    if (gone.has(key)) known.delete(key)
    else if (branch !== undefined) onLeft(branch)
  }
}
