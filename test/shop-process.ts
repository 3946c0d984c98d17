/**
 * The embedded shop as a process of its own, so that tests can kill it: `node shop-process.ts
 * JSON`, where the JSON object holds settings by their names in config.ts; a second one may hold
 * the failpoint at which it is to die (failpoints/). It prints one line of JSON with its ports,
 * drains on SIGTERM, and ends when its standard input does, so that none outlives a test.
 */
import { enableCompileCache, flushCompileCache } from 'node:module'
import { setEnvironmentData } from 'node:worker_threads'
import type { Factories } from '../cli/embedded-shop.ts'

// Before anything else is imported: most of the start of a shop is compiling it.
enableCompileCache()
const { factories, openEmbeddedShop } = await import('../cli/embedded-shop.ts')
const { systemClock } = await import('../lib/runtime/clock.ts')
const { readConfig } = await import('../lib/runtime/config.ts')
const { createLifecycle, runProcess } = await import('../lib/runtime/lifecycle.ts')
const { createLog } = await import('../lib/runtime/log.ts')

process.stdin.on('end', () => process.exit()).resume()

const config = readConfig(JSON.parse(process.argv[2] ?? '{}'), {})
const made = process.argv[3] === undefined ? factories : await watched(process.argv[3])
const log = createLog(config.logLevel)
const lifecycle = createLifecycle({ log, clock: systemClock })
lifecycle.add({
  name: 'shop',
  stopWithinMs: 2 * config.drainMs,
  async start() {
    const onFailure = (error: Error) => lifecycle.fail(error)
    const shop = await openEmbeddedShop({ config, log, onFailure, factories: made })
    const { port, internalPort } = shop
    process.stdout.write(`${JSON.stringify({ port, internalPort })}\n`)
    return { stop: () => shop.close() }
  },
})
await runProcess(lifecycle, { log })
// It would be written at the end, which a process that is killed never reaches.
flushCompileCache()

async function watched(text: string): Promise<Factories> {
  const { armed, frontFailpoint } = await import('./failpoints/failpoint.ts')
  const { watchedService } = await import('./failpoints/moments.ts')
  const failpoint = JSON.parse(text)
  setEnvironmentData(frontFailpoint, failpoint)
  const watch = armed(failpoint)
  const entries = Object.entries(factories)
  return Object.fromEntries(
    entries.map(([name, create]) => [name, watchedService(create, watch)]),
  ) as Record<keyof Factories, Factories['order']>
}
