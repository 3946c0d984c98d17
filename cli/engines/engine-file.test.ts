import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { seededRandom } from '../../lib/runtime/random.ts'
import { newPasswords, writeEngineFile } from './engine-file.ts'

const data = mkdtempSync(join(tmpdir(), 'till-engine-file-'))
after(() => rmSync(data, { recursive: true }))

test('a file that cannot be written leaves no draft, which would pass for something else', () => {
  // As good as a full disk: the draft is written, and cannot take its place.
  mkdirSync(join(data, 'engines.json'))
  const file = {
    ...({ size: 'default', variant: '2pc/order', host: 'localhost', port: 8_000 } as const),
    ...{ partitions: 1, firstPort: 20_000, links: false, startedAt: 0 },
    passwords: newPasswords(seededRandom(1)),
  }
  assert.throws(() => writeEngineFile(data, file), { code: 'data_unreadable' })
  assert.deepEqual(readdirSync(data), ['engines.json'])
})
