/** Every mutant, by file of the table. */
import { engineMutants } from './engine-mutants.ts'
import type { Mutant } from './mutant.ts'
import { protocolMutants } from './protocol-mutants.ts'

export const mutants: readonly Mutant[] = [...protocolMutants, ...engineMutants]
