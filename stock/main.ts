/** The stock service as a process: `node stock/main.ts`, its settings in the environment. */
import { runService } from '../lib/engine/process.ts'
import { createStockService } from './service.ts'

await runService('stock', createStockService)
