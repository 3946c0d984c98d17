/**
 * What a coordinator answers a participant that asks about an old undecided branch. Pure.
 *
 * What is open is driven anyway and needs no answer. An id that is not in the log of the newest
 * owner, and that its mark has not passed, was never started, or its start is lost: it can never
 * commit, so it is undone. Only the newest owner may say so: a newer one's mark may have passed it.
 */
import type { Branch, Inquiry, Verb } from './messages.ts'
import { sameEntries } from './participant.ts'
import type { State } from './protocol.ts'

/** Whether this very branch is one of the transaction. */
export const hasPart = ({ branches }: State, branch: Branch): boolean =>
  branches.some(
    ({ service, partition, entries }) =>
      service === branch.service &&
      partition === branch.partition &&
      sameEntries(entries, branch.entries),
  )

/**
 * `ended` is what the log still has of it; `hasPassed`, whether the low-water mark has passed it.
 * Undefined: nothing is to be said.
 */
export function answerInquiry(
  undo: Inquiry['undo'],
  ended: State | undefined,
  hasPassed: boolean,
): Verb | undefined {
  // A late copy of the question, most likely; a branch that is really held says so itself.
  if (ended === undefined && hasPassed && undo === 'abort') return undefined
  // Ended and dropped from the log: had it been undone, this branch would know.
  const isCommitted = ended === undefined ? hasPassed : ended.decided === 'committed'
  if (!isCommitted) return undo
  if (undo === 'abort') return 'commit'
  // It has executed: the repeat changes nothing and carries the mark that lets the branch go.
  return hasPassed ? 'execute' : undefined
}
