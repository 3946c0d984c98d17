/** The two protocols, by the name that is recorded in every transaction. */
import type { ProtocolName } from './messages.ts'
import type { Protocol } from './protocol.ts'
import { saga } from './saga.ts'
import { twoPhaseCommit } from './two-phase-commit.ts'

export const protocols: Readonly<Record<ProtocolName, Protocol>> = { '2pc': twoPhaseCommit, saga }
