/** Many clients at once: all its cases, for any running shop, and at the end the full check. */
import { changeRaces } from './concurrency-changes.ts'
import { checkoutRaces, hotRaces } from './concurrency-checkouts.ts'
import { wholeShopCases } from './concurrency-whole-shop.ts'
import type { RunningShop } from './running-shop.ts'
import { assertSound, suite } from './suite.ts'

export function concurrencySuite(name: string, start: () => Promise<RunningShop>): void {
  const end = (running: RunningShop) => assertSound(running)
  suite(name, { start, end }, { ...hotRaces, ...checkoutRaces, ...changeRaces, ...wholeShopCases })
}
