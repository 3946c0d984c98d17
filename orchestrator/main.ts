/** The orchestrator as a process: `node orchestrator/main.ts`, its settings in the environment. */
import { runService } from '../lib/engine/process.ts'
import { createOrchestratorService } from './service.ts'

await runService('orchestrator', createOrchestratorService)
