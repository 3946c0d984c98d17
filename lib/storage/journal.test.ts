import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../runtime/clock.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Disk } from './group-commit.ts'
import { Journal } from './journal.ts'
import { JournaledDisk } from './journaled-disk.ts'
import { type Changes, encodeRecord, type StoredRecord } from './step.ts'
import type { Json } from './storage.ts'

/** Small, so that the journal turns often. */
const bytes = 8_192

const directories: string[] = []
function freshDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'till-journal-'))
  directories.push(directory)
  return directory
}
after(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true })
})

const stored = (record: Json): StoredRecord => ({ record, text: encodeRecord(record) })
const changes = (entries: Record<string, Json | null>): Changes =>
  new Map(Object.entries(entries).map(([key, each]) => [key, each === null ? null : stored(each)]))

async function append(journal: Journal, entries: Record<string, Json | null>): Promise<void> {
  const frame = journal.frame(changes(entries))
  assert(frame !== undefined)
  await journal.append(frame)
}

/** Flips a bit of each of these bytes of the first file. */
function damage(directory: string, bytesOf: (content: Buffer) => readonly number[]): void {
  const file = join(directory, 'journal-0')
  const content = readFileSync(file)
  for (const at of bytesOf(content)) content[at] = content[at]! ^ 1
  writeFileSync(file, content)
}

/** A database in memory that outlives the disk over it, and may fail. */
class Base implements Disk {
  readonly records = new Map<string, Json>()
  writesUntilFailure = Number.POSITIVE_INFINITY

  encode(record: Json): StoredRecord {
    return stored(record)
  }
  read(place: string): Json | undefined {
    return this.records.get(place)
  }
  scan(prefix: string, after: string | undefined, limit: number) {
    return [...this.records]
      .filter(([key]) => key.startsWith(prefix) && (after === undefined || key > after))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([key, record]) => ({ key, record }))
  }
  async write(group: Changes): Promise<void> {
    if (this.writesUntilFailure-- <= 0) throw new ShopError('storage_full', 'the database is full')
    await Promise.resolve()
    for (const [place, change] of group) {
      if (change === null) this.records.delete(place)
      else this.records.set(place, change.record)
    }
  }
  async close(): Promise<void> {}

  /** The database as one process sees it; after `kill` nothing of that process happens any more. */
  connect(): Base & { kill(): void } {
    const connection = Object.create(this) as Base & { kill(): void }
    let isDead = false
    connection.kill = () => {
      isDead = true
    }
    connection.write = (group) => (isDead ? new Promise(() => {}) : this.write(group))
    return connection
  }
}

describe('journal', () => {
  test('frames come back in order, from the number that is asked for', async () => {
    const directory = freshDirectory()
    const journal = Journal.open(directory, bytes)
    assert.deepEqual(journal.replay(5).frames, [])
    await append(journal, { a: 1 })
    await append(journal, { a: 2, b: { text: 'ümläut\t\n' } })
    journal.turn()
    await append(journal, { a: null })
    journal.close()
    const again = Journal.open(directory, bytes)
    assert.equal(again.replay(5).frames.length, 3)
    assert.deepEqual(
      again.replay(6).frames.map(({ number, changes }) => [number, changes]),
      [
        [
          6,
          [
            ['a', '2'],
            ['b', '{"text":"ümläut\\t\\n"}'],
          ],
        ],
        [7, [['a', null]]],
      ],
    )
    again.erase()
    assert.deepEqual(again.replay(8).frames, [])
    again.close()
  })

  test('a torn frame is not read, and what follows an old frame is not either', async () => {
    const directory = freshDirectory()
    const journal = Journal.open(directory, bytes)
    for (let number = 0; number < 3; number++) await append(journal, { key: number })
    journal.turn()
    await append(journal, { key: 3 })
    journal.turn()
    await append(journal, { key: 4 })
    journal.turn()
    await append(journal, { key: 5 })
    journal.close()
    const reopened = Journal.open(directory, bytes)
    assert.deepEqual(
      reopened.replay(5).frames.map(({ number }) => number),
      [5],
    )
    reopened.close()
    damage(directory, () => [16])
    const torn = Journal.open(directory, bytes)
    assert.deepEqual(torn.replay(5).frames, [])
    torn.close()
  })

  test('a frame that is missing before a later one is damage, not a crash', async () => {
    const directory = freshDirectory()
    const journal = Journal.open(directory, bytes)
    await append(journal, { key: 0 })
    await append(journal, { key: 1 })
    journal.turn()
    await append(journal, { key: 2 })
    journal.close()
    damage(directory, (content) => [16, content.readUInt32LE(0) + 16])
    const damaged = Journal.open(directory, bytes)
    assert.throws(() => damaged.replay(0), /frame 0 is missing/)
    damaged.close()
  })

  test('a broken frame before a whole newer one in the same file is damage too', async () => {
    const directory = freshDirectory()
    const journal = Journal.open(directory, bytes)
    for (let number = 0; number < 3; number++) await append(journal, { key: number })
    journal.close()
    damage(directory, (content) => [content.readUInt32LE(0) + 16])
    const damaged = Journal.open(directory, bytes)
    assert.throws(() => damaged.replay(0), /frame 1 is damaged/)
    damaged.close()
  })

  test('a broken first frame before a whole newer one is damage, whatever is broken', async () => {
    for (const broken of [0, 1, 4, 8, 16]) {
      const directory = freshDirectory()
      const journal = Journal.open(directory, bytes)
      for (let number = 0; number < 3; number++) await append(journal, { key: number })
      journal.close()
      damage(directory, () => [broken])
      const damaged = Journal.open(directory, bytes)
      assert.throws(() => damaged.replay(0), /frame 0 is damaged/, `byte ${broken}`)
      damaged.close()
    }
  })

  test('a frame torn over old ones is no damage, whichever of its sectors have come', async () => {
    const [sector, old] = [512, 6]
    // Of 500 bytes each, so that the first one is whole in a sector that did not come.
    const fill = (number: number) => ({ key: number, fill: 'x'.repeat(472) })
    for (const kept of [0, 1, 2].map((first) => (index: number) => index >= first)) {
      const directory = freshDirectory()
      const journal = Journal.open(directory, bytes)
      for (let number = 0; number < old; number++) await append(journal, fill(number))
      for (let turns = 0; turns < 3; turns++) journal.turn()
      const file = join(directory, 'journal-0')
      const before = readFileSync(file)
      await append(journal, { key: old, fill: 'y'.repeat(960) })
      journal.close()
      const after = readFileSync(file)
      for (let index = 0; index * sector < bytes; index++) {
        if (!kept(index)) before.copy(after, index * sector, index * sector, (index + 1) * sector)
      }
      writeFileSync(file, after)
      const reopened = Journal.open(directory, bytes)
      const { frames } = reopened.replay(old)
      assert.deepEqual(
        frames.map(({ number }) => number),
        kept(0) ? [old] : [],
      )
      reopened.close()
    }
  })

  test('the last frame that is read back is written again, as it is', async () => {
    const directory = freshDirectory()
    const journal = Journal.open(directory, bytes)
    for (let number = 0; number < 3; number++) await append(journal, { key: number })
    journal.close()
    const file = join(directory, 'journal-0')
    const before = readFileSync(file)
    utimesSync(file, 0, 0)
    const reopened = Journal.open(directory, bytes)
    assert.equal(statSync(file).mtimeMs, 0)
    reopened.replay(0)
    assert.ok(statSync(file).mtimeMs > 0)
    assert.deepEqual(readFileSync(file), before)
    reopened.close()
  })

  test('a group that no file could hold has no frame', () => {
    const journal = Journal.open(freshDirectory(), bytes)
    assert.equal(journal.frame(changes({ big: 'x'.repeat(bytes) })), undefined)
    journal.close()
  })
})

describe('journaled disk', () => {
  const keys = ['a', 'b', 'ba', 'c', 'd']
  /** A write (of a size that makes the journal turn often), a crash, or a close. */
  const action = fc.oneof(
    {
      weight: 8,
      arbitrary: fc.dictionary(
        fc.constantFrom(...keys),
        fc.option(fc.record({ n: fc.integer(), size: fc.constantFrom(0, 3_000, 5_000, 9_000) })),
        { maxKeys: 3 },
      ),
    },
    { weight: 2, arbitrary: fc.constantFrom('crash' as const, 'close' as const, 'fail' as const) },
  )

  test('shows what a map would, whatever crashes and turns', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 12 }), async (actions) => {
        const directory = freshDirectory()
        const base = new Base()
        const model = new Map<string, string>()
        let connection = base.connect()
        let disk = await JournaledDisk.open(connection, Journal.open(directory, bytes))
        for (const each of actions) {
          base.writesUntilFailure = Number.POSITIVE_INFINITY
          if (each === 'close') await disk.close()
          if (each === 'crash' || each === 'close') {
            connection.kill()
            connection = base.connect()
            disk = await JournaledDisk.open(connection, Journal.open(directory, bytes))
          } else if (each === 'fail') {
            base.writesUntilFailure = 1
          } else {
            const group = new Map(
              Object.entries(each).map(([key, value]) => [
                key,
                value === null ? null : stored({ n: value.n, fill: 'x'.repeat(value.size) }),
              ]),
            )
            await disk.write(group)
            for (const [key, change] of group) {
              if (change === null) model.delete(key)
              else model.set(key, change.text)
            }
          }
          for (const key of keys) {
            const record = disk.read(key)
            assert.equal(record === undefined ? undefined : encodeRecord(record), model.get(key))
          }
          const wanted = [...model.keys()].filter((key) => key.startsWith('b')).sort()
          assert.deepEqual(
            disk.scan('b', undefined, 9).map(({ key }) => key),
            wanted,
          )
          assert.deepEqual(
            disk.scan('b', 'b', 1).map(({ key }) => key),
            wanted.slice(wanted.indexOf('b') + 1, wanted.indexOf('b') + 2),
          )
        }
        await disk.close()
        rmSync(directory, { recursive: true, force: true })
      }),
      { numRuns: 80, seed: 7 },
    )
  })

  test('a database that fails while it is carried over loses nothing', async () => {
    const directory = freshDirectory()
    const base = new Base()
    const disk = await JournaledDisk.open(base, Journal.open(directory, bytes))
    const big = 'x'.repeat(5_000)
    await disk.write(changes({ a: big }))
    base.writesUntilFailure = 0
    await disk.write(changes({ b: big }))
    await assert.rejects(disk.write(changes({ c: big })), { code: 'storage_full' })
    base.writesUntilFailure = Number.POSITIVE_INFINITY
    await disk.write(changes({ d: big }))
    for (const key of ['a', 'b', 'd']) assert.equal(disk.read(key), big)
    assert.equal(disk.read('c'), undefined)
    base.writesUntilFailure = 0
    await disk.close()
    base.writesUntilFailure = Number.POSITIVE_INFINITY
    const reopened = await JournaledDisk.open(base, Journal.open(directory, bytes))
    for (const key of ['a', 'b', 'd']) assert.equal(reopened.read(key), big)
    assert.equal(reopened.read('c'), undefined)
    await reopened.close()
  })

  test('killed again while it comes back: what all files hold is carried over first', async () => {
    const directory = freshDirectory()
    const base = new Base()
    const big = 'x'.repeat(5_000)
    const openStuck = () => {
      const connection = base.connect()
      connection.write = () => new Promise(() => {})
      return JournaledDisk.open(connection, Journal.open(directory, bytes))
    }
    const first = await openStuck()
    await first.write(changes({ a: big, gone: 1 }))
    await first.write(changes({ b: big, gone: null }))
    const second = await openStuck()
    for (const key of ['a', 'b']) assert.equal(second.read(key), big)
    await second.write(changes({ c: big }))
    const third = await JournaledDisk.open(base.connect(), Journal.open(directory, bytes))
    assert.equal(base.records.get('c'), big)
    await third.write(changes({ d: big }))
    for (const key of ['a', 'b', 'c', 'd']) assert.equal(third.read(key), big)
    assert.equal(third.read('gone'), undefined)
    await third.close()
  })

  test('files of a Till whose journal was larger are read back whole', async () => {
    const directory = freshDirectory()
    const base = new Base()
    const dead = base.connect()
    dead.write = () => new Promise(() => {})
    const larger = await JournaledDisk.open(dead, Journal.open(directory, bytes * 8))
    const big = 'x'.repeat(5_000)
    for (const key of ['a', 'b', 'c', 'd', 'e']) await larger.write(changes({ [key]: big }))
    const disk = await JournaledDisk.open(base.connect(), Journal.open(directory, bytes))
    for (const key of ['f', 'g', 'h', 'i']) await disk.write(changes({ [key]: big }))
    const again = await JournaledDisk.open(base.connect(), Journal.open(directory, bytes))
    for (const key of 'abcdefghi') assert.equal(again.read(key), big)
    await again.close()
  })

  test('a database that fails for another reason is not written again', async () => {
    const base = new Base()
    const disk = await JournaledDisk.open(base, Journal.open(freshDirectory(), bytes))
    const big = 'x'.repeat(5_000)
    base.write = () => Promise.reject(new Error('broken'))
    await disk.write(changes({ a: big }))
    await disk.write(changes({ b: big }))
    await assert.rejects(disk.write(changes({ c: big })), /broken/)
    base.write = () => assert.fail('written again')
    await assert.rejects(disk.write(changes({ c: big })), /broken/)
    await disk.close()
  })

  for (const [what, fill] of [
    ['a group that goes to the database at once', 20_000],
    ['one that goes to the journal', 10],
  ] as const) {
    test(`after ${what} has failed, closing writes neither and keeps the journal`, async () => {
      const base = new Base()
      const directory = freshDirectory()
      const journal = Journal.open(directory, bytes)
      const disk = await JournaledDisk.open(base, journal, {})
      await disk.write(changes({ a: 'kept' }))
      const { write } = base
      let writes = 0
      base.write = (group) => {
        writes++
        return group.has('b') ? Promise.reject(new Error('broken')) : write.call(base, group)
      }
      journal.append = () => Promise.reject(new Error('broken'))
      await assert.rejects(disk.write(changes({ b: 'x'.repeat(fill) })), /broken/)
      const writesBefore = writes
      await disk.close()
      assert.equal(writes, writesBefore, 'nobody knows what became of the last one')
      const again = await JournaledDisk.open(base, Journal.open(directory, bytes), {})
      assert.equal(again.read('a'), 'kept')
    })
  }

  test('one that fails for good in the background is told at once and ends the disk', async () => {
    const base = new Base()
    const told: string[] = []
    const onFailure = ({ code }: ShopError) => void told.push(code)
    const journal = Journal.open(freshDirectory(), bytes)
    const disk = await JournaledDisk.open(base, journal, { onFailure })
    const group = (fill: number) => changes({ a: 'x'.repeat(fill) })
    await disk.write(group(5_000))
    base.write = () => Promise.reject(new ShopError('storage_unavailable', 'a failed disk'))
    // It does not fit any more: the file is carried over while the next one is in turn.
    await disk.write(group(5_000))
    await systemClock.sleep(1)
    assert.deepEqual(told, ['storage_unavailable'])
    await assert.rejects(disk.write(group(1)), /a failed disk/)
  })

  test('no group is accepted without room for what the journal holds', async () => {
    const noRoom = () => {
      throw new ShopError('storage_full', 'no room')
    }
    const journal = Journal.open(freshDirectory(), bytes)
    const disk = await JournaledDisk.open(new Base(), journal, { requireRoom: noRoom })
    await assert.rejects(disk.write(changes({ a: 1 })), { code: 'storage_full' })
    assert.equal(disk.read('a'), undefined)
    assert.equal(journal.next, 0)
    await disk.close()
  })
})
