/** The order service as a process: `node order/main.ts`, its settings in the environment. */
import { runService } from '../lib/engine/process.ts'
import { createOrderService } from './service.ts'

await runService('order', createOrderService)
