/** The storage keys of the engine; those of domain records are their services' own. */
import { coordinatorOf, type ParsedId, positionOf } from '../../protocol/transaction-id.ts'

export const branchPrefix = 'branch:'
export const logPrefix = 'log:'
/** The epoch of a coordinator partition: who writes its log must know the newest. */
export const epochKey = 'epoch'

export const markKey = (coordinator: string) => `mark:${coordinator}`
export const branchKey = (id: ParsedId) =>
  `${branchPrefix}${coordinatorOf(id)}:${positionOf(id.epoch, id.sequence)}`
export const logKey = (id: ParsedId) => logPrefix + positionOf(id.epoch, id.sequence)
