/** The public contract, one request at a time: all its cases, for any running shop. */
import { batchCases } from './contract-batch.ts'
import { checkoutCases } from './contract-checkout.ts'
import { idempotencyCases } from './contract-idempotency.ts'
import { numberCases } from './contract-numbers.ts'
import { routeCases } from './contract-routes.ts'
import type { RunningShop } from './running-shop.ts'
import { suite } from './suite.ts'

export function contractSuite(name: string, start: () => Promise<RunningShop>): void {
  suite(
    name,
    { start },
    {
      ...routeCases,
      ...numberCases,
      ...checkoutCases,
      ...idempotencyCases,
      ...batchCases,
    },
  )
}
