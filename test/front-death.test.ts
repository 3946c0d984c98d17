/**
 * The thread that speaks HTTP dies, and nothing else: the shop must not go on without its port.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const till = fileURLToPath(new URL('../cli/till.ts', import.meta.url))
const endsWithinMs = 30_000
const afterMs = 500

/** Preloaded by every thread of the shop; it lets the ones that are not the first do `what`. */
const preloaded = (what: string) =>
  `data:text/javascript,import { isMainThread } from 'node:worker_threads';` +
  `if (!isMainThread) setTimeout(() => { ${what} }, ${afterMs})`

interface Ended {
  readonly code: unknown
  readonly stdout: string
  readonly stderr: string
}

function shopWhoseThread(what: string, data: string): Promise<Ended> {
  const words = ['--import', preloaded(what), till, 'up', '--port=0', `--data=${data}`]
  return new Promise((resolve) => {
    execFile(process.execPath, words, { timeout: endsWithinMs }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? error?.signal ?? 0, stdout, stderr }),
    )
  })
}

for (const [name, what, why] of [
  ['fails', "throw new Error('a bug in it')", / \(a bug in it\)\./],
  ['ends', 'process.exit()', / has ended\./],
] as const) {
  test(`a shop whose thread for HTTP ${name} says so and ends`, async () => {
    const data = await mkdtemp(join(tmpdir(), 'till-front-'))
    try {
      const { code, stdout, stderr } = await shopWhoseThread(what, data)
      assert.match(stdout, /localhost:/, 'it was up')
      assert.match(stderr, /The thread that speaks HTTP has ended/)
      assert.match(stderr, why)
      assert.equal(code, 1)
    } finally {
      await rm(data, { recursive: true, force: true })
    }
  })
}
