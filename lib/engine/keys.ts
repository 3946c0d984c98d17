/** The storage keys of the engine; those of domain records are their services' own. */
import { coordinatorOf, type ParsedId, positionOf } from '../../protocol/transaction-id.ts'

export const branchPrefix = 'branch:'
export const logPrefix = 'log:'
/** The epoch of a coordinator partition: who writes its log must know the newest. */
export const epochKey = 'epoch'

export const markKey = (coordinator: string) => `mark:${coordinator}`
export const branchKeyAt = (coordinator: string, position: string) =>
  `${branchPrefix}${coordinator}:${position}`
export const branchKey = (id: ParsedId) =>
  branchKeyAt(coordinatorOf(id), positionOf(id.epoch, id.sequence))
/** With AUDIT: tells of a branch that is held though the coordinator's mark has passed it. */
export const heldPrefix = 'held:'
export const heldKey = (key: string) => heldPrefix + key.slice(branchPrefix.length)
export const branchHeldBy = (key: string) => branchPrefix + key.slice(heldPrefix.length)

/** Whose branch has this key. */
export const coordinatorIn = (key: string) => key.slice(branchPrefix.length, key.lastIndexOf(':'))
/** Sorts after every branch of the coordinator: no position begins with a z. */
export const afterBranchesOf = (coordinator: string) => branchKeyAt(coordinator, 'z')
/** Sorts before the branch, and after all but the last few of those before it: one digit less. */
export const shortlyBefore = (key: string) => key.slice(0, -1)
export const logKey = (id: ParsedId) => logPrefix + positionOf(id.epoch, id.sequence)
