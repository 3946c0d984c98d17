/**
 * The thread that speaks HTTP dies, and nothing else: the shop must not go on without its port.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const till = fileURLToPath(new URL('../cli/till.ts', import.meta.url))
/** Long before a part of the shop that does not stop would be given up. */
const endsWithinMs = 10_000

/** Preloaded by every thread of the shop; the one that speaks HTTP does `what` at a request. */
const preloaded = (what: string) =>
  `data:text/javascript,import { isMainThread } from 'node:worker_threads';` +
  `import { Server } from 'node:http';` +
  `const { listen } = Server.prototype;` +
  `if (!isMainThread) Server.prototype.listen = function (...words) {` +
  ` this.prependListener('request', () => { ${what} }); return listen.apply(this, words) }`

for (const [name, what, why] of [
  ['fails', "throw new Error('a bug in it')", / \(a bug in it\)\./],
  ['ends', 'process.exit()', / has ended\./],
] as const) {
  test(`a shop whose thread for HTTP ${name} says so and ends`, async () => {
    const data = await mkdtemp(join(tmpdir(), 'till-front-'))
    const words = ['--import', preloaded(what), till, 'up', '--port=0', `--data=${data}`]
    const shop = spawn(process.execPath, words)
    try {
      const output = { stdout: '', stderr: '' }
      const origin = Promise.withResolvers<string>()
      shop.stderr.on('data', (more) => (output.stderr += more))
      shop.stdout.on('data', (more) => {
        output.stdout += more
        const address = /http:\/\/localhost:\d+/.exec(output.stdout)
        if (address !== null) origin.resolve(address[0])
      })
      const closed = once(shop, 'close')
      await assert.rejects(fetch(`${await Promise.race([origin.promise, closed])}/orders/find/1`))
      const late = AbortSignal.timeout(endsWithinMs)
      late.addEventListener('abort', () => shop.kill('SIGKILL'))
      assert.deepEqual(await closed, [1, null], output.stderr)
      assert.match(output.stderr, /The thread that speaks HTTP has ended/)
      assert.match(output.stderr, why)
    } finally {
      shop.kill('SIGKILL')
      await rm(data, { recursive: true, force: true })
    }
  })
}
