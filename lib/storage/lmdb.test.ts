/**
 * The LMDB adapter: the conformance suite, and what only a disk can do: survive kill -9, be full,
 * be somebody else's, be damaged.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { open } from 'lmdb'
import { seededRandom } from '../runtime/random.ts'
import { PARTITIONS, storageConformance } from './conformance.ts'
import { DATA_FORMAT, openLmdbStorage } from './lmdb.ts'

const root = mkdtempSync(join(tmpdir(), 'till-lmdb-'))
after(() => rmSync(root, { recursive: true }))
const freshPath = () => join(mkdtempSync(join(root, 'data-')), 'of.order')
const file = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const partitions = PARTITIONS

storageConformance('lmdb', {
  async openFresh() {
    const path = freshPath()
    const storage = await openLmdbStorage({ path, partitions })
    let newest = storage
    return {
      storage,
      reopen: async () => {
        newest = await openLmdbStorage({ path, partitions })
        return newest
      },
      writes: () => storage.stats.writes,
      dispose: () => newest.close(),
    }
  },
})

describe('lmdb: kill -9', () => {
  const LANES = 24
  const ROUNDS = 4
  const MOST_LINES_BEFORE_KILL = 1_500
  const random = seededRandom(20_260_101)

  /** Ends when so many moves were acknowledged; answers the last acknowledged number per lane. */
  function runUntilKilled(path: string, lines: number): Promise<Map<number, number>> {
    const argv = [file('crash-child.ts'), path, String(LANES), String(partitions)]
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    let text = ''
    let seen = 0
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
      seen += part.split('\n').length - 1
      if (seen >= lines) child.kill('SIGKILL')
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (status, signal) => {
        if (signal !== 'SIGKILL') reject(new Error(`the child ended by itself, with ${status}`))
        const acknowledged = new Map<number, number>()
        for (const line of text.split('\n').slice(0, -1)) {
          const [lane, n] = line.split(' ').map(Number)
          acknowledged.set(lane!, n!)
        }
        resolve(acknowledged)
      })
    })
  }

  test('keeps every acknowledged write, and pairs whole', { timeout: 30_000 }, async () => {
    const path = freshPath()
    let total = 0
    for (let round = 0; round < ROUNDS; round++) {
      const lines = 1 + random.integer(MOST_LINES_BEFORE_KILL)
      const acknowledged = await runUntilKilled(path, lines)
      assert.ok(acknowledged.size > 0)
      const storage = await openLmdbStorage({ path, partitions })
      for (let lane = 0; lane < LANES; lane++) {
        const read = (side: string) =>
          storage.read<{ n: number }>(lane % partitions, `${side}:${lane}`)
        const [left, right] = [await read('left'), await read('right')]
        assert.deepEqual(left, right, `round ${round}, lane ${lane}`)
        const least = acknowledged.get(lane) ?? 0
        const found = left?.n ?? 0
        assert.ok(found >= least && found <= least + 1, `${found} found, ${least} acknowledged`)
        total += found
      }
      await storage.close()
    }
    assert.ok(total > LANES)
  })
})

describe('lmdb: what cannot be opened', () => {
  const refuses = (path: string, code: string, message: RegExp, wanted = partitions) =>
    assert.rejects(openLmdbStorage({ path, partitions: wanted }), { code, message })
  const made = async () => {
    const path = freshPath()
    const storage = await openLmdbStorage({ path, partitions })
    await storage.load(
      0,
      Array.from({ length: 5_000 }, (_, n) => ({ key: `k:${n}`, record: { n } })),
    )
    await storage.close()
    return path
  }

  test('another number of partitions', async () => {
    const path = await made()
    await refuses(path, 'partitions_differ', /PARTITIONS=12.*Set PARTITIONS=12/, 4)
    const storage = await openLmdbStorage({ path, partitions })
    assert.deepEqual(await storage.read(0, 'k:4999'), { n: 4_999 })
    await storage.close()
  })

  test('a newer format', async () => {
    const path = await made()
    const environment = open(path, { noSubdir: false, encoding: 'string', overlappingSync: false })
    await environment.put('meta', JSON.stringify({ format: DATA_FORMAT + 1, partitions }))
    await environment.close()
    await refuses(path, 'data_newer', /newer Till/)
  })

  test("another program's database", async () => {
    const path = freshPath()
    const environment = open(path, { noSubdir: false, encoding: 'string', overlappingSync: false })
    await environment.put('hello', 'world')
    await environment.close()
    await refuses(path, 'data_unreadable', /not a database of Till/)
  })

  test('no directory, or no database, or half of one', async () => {
    const path = freshPath()
    writeFileSync(path, 'a file')
    await refuses(path, 'data_unreadable', /DATA/)
    await refuses(join(path, 'below'), 'data_unreadable', /DATA/)
    await refuses('/proc/nowhere', 'data_unreadable', /DATA/)
    for (const content of ['hello', Buffer.alloc(1_000_000), Buffer.alloc(100_000, 'garbage')]) {
      const other = freshPath()
      mkdirSync(other)
      writeFileSync(join(other, 'data.mdb'), content)
      await refuses(other, 'data_unreadable', /not an LMDB file/)
    }
    for (const bytes of [100, 4_096, 8_192, 20_000]) {
      const cut = await made()
      truncateSync(join(cut, 'data.mdb'), bytes)
      await refuses(cut, 'data_unreadable', /end is missing|not an LMDB file/)
    }
  })

  test('a directory in use, by this process or another; not once that was killed', async () => {
    const path = freshPath()
    const storage = await openLmdbStorage({ path, partitions })
    await refuses(path, 'data_locked', /Another process uses the data in .*of\.order/)
    const argv = [file('crash-child.ts'), path, '1', String(partitions)]
    const second = spawnSync(process.execPath, argv, { encoding: 'utf8', timeout: 10_000 })
    assert.equal(second.status, 1)
    assert.match(second.stderr, /data_locked/)
    await storage.close()
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise((resolve) => child.stdout.once('data', resolve))
    await refuses(path, 'data_locked', /Another process uses the data/)
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await ended
    await (await openLmdbStorage({ path, partitions })).close()
  })
})

describe('lmdb: a full disk', () => {
  // A tmpfs in a mount namespace of its own is gone with its process, whatever happens to it.
  const script = 'mount -t tmpfs -o size=160m tmpfs "$0" && exec "$@"'
  const run = (flags: string[], command: string[]) =>
    spawnSync('unshare', [...flags, 'sh', '-c', script, ...command], {
      encoding: 'utf8',
      timeout: 20_000,
    })
  const mount = mkdtempSync(join(root, 'mount-'))
  const flags = [['-m'], ['-rm']].find((each) => run(each, [mount, 'true']).status === 0)

  test('refuses the whole group, loses nothing, and goes on once there is room', (context) => {
    if (flags === undefined) {
      const why =
        'NOT TESTED: a full disk. Neither root nor a user namespace may mount a tmpfs here.'
      if (process.env.CI === 'true') assert.fail(why)
      console.error(why)
      context.skip(why)
      return
    }
    const command = [mount, process.execPath, file('full-disk-child.ts'), mount]
    const { status, stderr } = run(flags, command)
    assert.equal(status, 0, stderr)
  })

  test('a write that fails inside the library ends the storage; the file stays sound', async () => {
    const path = freshPath()
    // The limit of a file's size fails a write as a full disk would, and needs no rights.
    const limited = 'trap "" XFSZ; ulimit -f 40000; exec "$@"'
    const command = [process.execPath, file('failing-disk-child.ts'), path]
    const { stdout, status, signal } = spawnSync('sh', ['-c', limited, 'sh', ...command], {
      encoding: 'utf8',
      timeout: 20_000,
    })
    // SIGABRT: the library wrote past its buffer (disk-room.ts) and malloc noticed.
    assert.ok(status === 0 || signal === 'SIGABRT', `${status} ${signal}`)
    const acknowledged = stdout.split('\n').slice(0, -1)
    assert.ok(acknowledged.length > 0)
    const storage = await openLmdbStorage({ path, partitions: 1 })
    const found = await storage.scan(0, '', { limit: 10_000 })
    const extra = found.length - acknowledged.length
    assert.ok(extra === 0, `${found.length} found, ${acknowledged.length} acknowledged`)
    for (const key of acknowledged) assert.ok(await storage.read(0, key), key)
    await storage.transact(0, ['more'], (draft) => draft.put('more', {}))
    await storage.close()
  })
})
