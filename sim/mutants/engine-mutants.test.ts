/** Bugs in the engine and the services are caught (gate.ts). */
import { engineMutants } from './engine-mutants.ts'
import { gate } from './gate.ts'

gate(engineMutants)
