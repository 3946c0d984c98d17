/** Bugs in the protocols are caught (gate.ts). */
import { gate } from './gate.ts'
import { protocolMutants } from './protocol-mutants.ts'

gate(protocolMutants)
