/**
 * A shop of processes on Redis and Kafka that is measured: started by the README's own line on a
 * data directory, and stopped by it, also when this process ends before.
 */
import { execFile, execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { findShop } from '../cli/shop-client.ts'
import { ShopError } from '../lib/runtime/errors.ts'
import { ShopUnderTest, type StartOptions, type Target, targetOf } from './shop-under-test.ts'

export const engineKinds = ['embedded', 'redis-kafka'] as const
export type EngineKind = (typeof engineKinds)[number]

export interface StartedShop {
  readonly target: Target
  stop(): Promise<void>
}

const till = fileURLToPath(new URL('../till', import.meta.url))
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
  const stopAtExit = () => execFileSync(till, ['down', '--data', own])
  process.once('exit', stopAtExit)
  const flags = [
    '--detach',
    '--port=0',
    `--variant=${variant}`,
    `--data=${own}`,
    ...(links ? ['--links'] : []),
  ]
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  await run('env', [...words, till, 'up', '--engines=redis-kafka', ...flags]).catch((error) => {
    throw new ShopError('unavailable', `No shop to measure. ${error.stderr}`, error)
  })
  return {
    target: targetOf(findShop(own)),
    async stop() {
      await run(till, ['down', '--data', own])
      process.off('exit', stopAtExit)
    },
  }
}
