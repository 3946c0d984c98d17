/** The payment service as a process: `node payment/main.ts`, its settings in the environment. */
import { runService } from '../lib/engine/process.ts'
import { createPaymentService } from './service.ts'

await runService('payment', createPaymentService)
