/**
 * A shop of processes on Redis and Kafka that is measured: started by the README's own line on a
 * data directory, and stopped by it, also when this process ends before.
 */
import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { findShop } from '../cli/shop-client.ts'
import { ShopUnderTest, type StartOptions, type Target, targetOf } from './shop-under-test.ts'
import { till, tillUp } from './till-up.ts'

export const engineKinds = ['embedded', 'redis-kafka'] as const
export type EngineKind = (typeof engineKinds)[number]

export interface StartedShop {
  readonly target: Target
  stop(): Promise<void>
}

const run = promisify(execFile)

type EngineShopOptions = Pick<StartOptions, 'variant' | 'data' | 'settings'> & {
  /** Of processes: with links that can be cut. */
  readonly links?: boolean
}

/** Starts a shop of this variant on data of its own; throws with what it said when it does not. */
export async function startShop(
  engines: EngineKind,
  { variant, data, settings = {}, links }: EngineShopOptions,
): Promise<StartedShop> {
  if (engines === 'embedded') {
    const shop = new ShopUnderTest({ variant, data, port: 0, settings })
    await shop.start()
    return { target: shop.target, stop: () => shop.stop() }
  }
  const own = `${data}/shop`
  const stopAtExit = () => void spawnSync(till, ['down', '--data', own])
  // Before its data is removed: that says what runs.
  process.prependOnceListener('exit', stopAtExit)
  await tillUp(settings, [
    '--engines=redis-kafka',
    '--port=0',
    `--variant=${variant}`,
    `--data=${own}`,
    ...(links ? ['--links'] : []),
  ])
  return {
    target: targetOf(findShop(own)),
    async stop() {
      await run(till, ['down', '--data', own])
      process.off('exit', stopAtExit)
    },
  }
}
