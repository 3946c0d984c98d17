/** The cells of saga/orchestrator, as gate.ts runs them. */
import { gate } from './gate.ts'

gate('saga/orchestrator')
