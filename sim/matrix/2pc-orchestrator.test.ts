/** The cells of 2pc/orchestrator, as gate.ts runs them. */
import { gate } from './gate.ts'

gate('2pc/orchestrator')
