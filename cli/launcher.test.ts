/** ./till itself, the few lines of shell. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const till = fileURLToPath(new URL('../till', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'till-launcher-'))
after(() => rmSync(folder, { recursive: true }))

test('it finds its home through links, from anywhere', async () => {
  mkdirSync(join(folder, 'bin'))
  symlinkSync(till, join(folder, 'absolute'))
  symlinkSync('../absolute', join(folder, 'bin', 'relative'))
  const { stdout } = await execute(join(folder, 'bin', 'relative'), ['--help'], { cwd: tmpdir() })
  assert.match(stdout, /^Usage: till/)
})

test('where nothing is installed it says what to run', async () => {
  const copy = join(folder, 'till')
  copyFileSync(till, copy)
  await assert.rejects(execute(copy, ['status']), { code: 1, stderr: /run npm ci there first/ })
})

test('it keeps compiled code, where it is told to or in a place of its own', async () => {
  const cache = join(folder, 'cache')
  await execute('env', [`NODE_COMPILE_CACHE=${cache}`, till, 'status', `--data=${folder}`]).catch(
    ({ code }) => assert.equal(code, 3),
  )
  const own = ['-u', 'NODE_COMPILE_CACHE', `XDG_CACHE_HOME=${cache}/own`]
  await execute('env', [...own, till, '--help'])
  const { stdout } = await execute('find', [cache, '-name', '*.tmp', '-o', '-type', 'd'])
  assert.match(stdout, /own\/till\//)
})
