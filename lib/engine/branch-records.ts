/**
 * The branch records of one participant partition, read in pages that leave everything else its
 * turn. Who remembers them: known-branches.ts.
 */
import type { BranchRecord } from '../../protocol/participant.ts'
import type { Clock } from '../runtime/clock.ts'
import { pagesOf } from '../storage/pages.ts'
import type { Storage } from '../storage/storage.ts'
import {
  afterBranchesOf,
  branchHeldBy,
  branchKeyAt,
  branchPrefix,
  coordinatorIn,
  heldPrefix,
  markKey,
  shortlyBefore,
} from './keys.ts'

/** A branch record as it is stored, with the id that its key cannot be turned back into. */
export type StoredBranch = BranchRecord & { readonly transaction: string }

export interface FoundBranch {
  readonly key: string
  readonly branch: StoredBranch
  /** The storage tells of it as held below the mark. */
  readonly isHeld: boolean
}

export interface BranchReading {
  readonly storage: Storage
  readonly clock: Clock
  readonly partition: number
}

/** A page takes a few ms; between two of them everything else has its turn. */
const pageRecords = 500

export async function* allBranches(reading: BranchReading): AsyncGenerator<FoundBranch> {
  yield* branchesFrom(reading, branchPrefix, undefined)
}

/**
 * Those that may not have ended, where all that ever were are kept: of each coordinator from its
 * mark on, and what is told to be held below it.
 */
export async function* openBranches(reading: BranchReading): AsyncGenerator<FoundBranch> {
  const { storage, clock, partition } = reading
  for (let after: string | undefined; ; ) {
    const from = after === undefined ? {} : { after }
    const [first] = await storage.scan(partition, branchPrefix, { ...from, limit: 1 })
    if (first === undefined) break
    const coordinator = coordinatorIn(first.key)
    const mark = await storage.read<string>(partition, markKey(coordinator))
    const open = mark === undefined ? undefined : branchKeyAt(coordinator, mark)
    yield* branchesFrom(reading, branchKeyAt(coordinator, ''), open)
    const last = afterBranchesOf(coordinator)
    // A key that no participant made may lie anywhere.
    after = [first.key, last].toSorted().at(-1)
    await clock.sleep(0)
  }
  // After the marks: what another owner's mark has passed meanwhile is told of here.
  for await (const { key } of entriesOf(reading, heldPrefix, undefined)) {
    const branch = await storage.read<StoredBranch>(partition, branchHeldBy(key))
    if (branch !== undefined) yield { key: branchHeldBy(key), branch, isHeld: true }
  }
}

async function* branchesFrom(
  reading: BranchReading,
  prefix: string,
  from: string | undefined,
): AsyncGenerator<FoundBranch> {
  const start = from === undefined ? undefined : shortlyBefore(from)
  for await (const { key, record } of entriesOf(reading, prefix, start)) {
    if (from !== undefined && key < from) continue
    yield { key, branch: record as StoredBranch, isHeld: false }
  }
}

async function* entriesOf(
  { storage, clock, partition }: BranchReading,
  prefix: string,
  start: string | undefined,
) {
  const from = start === undefined ? {} : { after: start }
  for await (const page of pagesOf(storage, partition, prefix, { ...from, limit: pageRecords })) {
    yield* page
    if (page.length === pageRecords) await clock.sleep(0)
  }
}
