/** What a partition remembers of its branches, asks about and drops; what AUDIT changes in it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BranchState } from '../../protocol/participant.ts'
import { positionOf } from '../../protocol/transaction-id.ts'
import type { Clock } from '../runtime/clock.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import type { Draft, Json, Storage } from '../storage/storage.ts'
import type { StoredBranch } from './branch-records.ts'
import { branchKeyAt, heldKey, heldPrefix, markKey } from './keys.ts'
import { KnownBranches } from './known-branches.ts'

const partition = 0
const inquireAfterMs = 100
/** More than a minute: everything is read once more. */
const muchLaterMs = 100_000
const position = (sequence: number) => positionOf(1, sequence)
const idOf = (coordinator: string, sequence: number) => `${coordinator}.1.${sequence}`
const keyOf = (coordinator: string, sequence: number) =>
  branchKeyAt(coordinator, position(sequence))

/** A partition's storage that counts what is scanned, and fails when it is told to. */
async function watched() {
  let scanned = 0
  let writesLeft = Number.POSITIVE_INFINITY
  const disk = await openMemoryStorage({ partitions: 1 })
  const storage: Storage = {
    partitions: 1,
    async transact<T>(at: number, keys: readonly string[], step: (draft: Draft) => T) {
      if (writesLeft-- <= 0) throw new Error('killed')
      return disk.transact(at, keys, step)
    },
    read: (at, key) => disk.read(at, key),
    async scan(at, prefix, options) {
      if (writesLeft <= 0) throw new Error('away')
      const page = await disk.scan(at, prefix, options)
      scanned += page.length
      return page
    },
    load: (at, entries) => disk.load(at, entries),
    close: () => disk.close(),
  }
  return {
    ...{ disk, storage },
    /** The storage fails after so many further writes. */
    fails(after: number) {
      writesLeft = after
    },
    async scannedBy(work: () => Promise<unknown>) {
      const before = scanned
      await work()
      return scanned - before
    },
  }
}

/** Owners of one partition, whose time is told. */
async function world(audit = true) {
  let now = 0
  let rests = 0
  const reported: string[] = []
  const inquired: string[] = []
  const { disk, storage, ...watch } = await watched()
  const clock: Clock = {
    now: () => now,
    wallTime: () => 0,
    after: () => assert.fail('it has no timer'),
    every: () => assert.fail('it has no timer'),
    sleep: async () => void rests++,
  }
  const owner = () =>
    new KnownBranches(
      {
        service: 'stock',
        storage,
        bus: {
          inbox: { topic: 'inbox', partition: 0 },
          send: (_topic, _partition, message) =>
            void inquired.push(message.kind === 'inquiry' ? message.transaction : message.kind),
          consume: async () => ({ close: async () => {} }),
          close: async () => {},
        },
        clock,
        config: { inquireAfterMs, audit },
        log: { error: (_sentence, fields) => void reported.push(String(fields?.transaction)) },
      },
      partition,
    )
  const branch = (transaction: string, state: BranchState): StoredBranch => ({
    ...{ transaction, state, entries: [{ id: 'a', amount: 1 }], generations: [0] },
  })
  const put = (key: string, record: Json) => disk.load(partition, [{ key, record }])
  return {
    ...{ owner, branch, put, reported, ...watch },
    rests: () => rests,
    pass(ms: number) {
      now += ms
    },
    /** What was asked about since the last time. */
    asked: () => inquired.splice(0).toSorted(),
    write: (coordinator: string, sequences: readonly number[], state: BranchState) =>
      disk.load(
        partition,
        sequences.map((sequence) => ({
          key: keyOf(coordinator, sequence),
          record: branch(idOf(coordinator, sequence), state),
        })),
      ),
    mark: (coordinator: string) => disk.read<string>(partition, markKey(coordinator)),
    count: async (prefix: string) => (await disk.scan(partition, prefix, { limit: 1e6 })).length,
    isHeld: async (coordinator: string, sequence: number) =>
      (await disk.read(partition, heldKey(keyOf(coordinator, sequence)))) === true,
  }
}

const upTo = (last: number, from = 1) =>
  Array.from({ length: last - from + 1 }, (_, index) => from + index)
const coordinators = ['orchestrator.0', 'order.0', 'order.1', 'order.10']

/** What an owner has heard of a coordinator: that all before `sequence` has ended. */
function hear(owner: KnownBranches, coordinator: string, sequence: number): void {
  owner.hear(coordinator, keyOf(coordinator, sequence), position(sequence), position(sequence))
}

describe('with AUDIT', () => {
  for (const ended of ['committed', 'executed'] as const) {
    test(`what is ${ended} below the mark is neither read nor asked about again`, async () => {
      const { owner, write, pass, scannedBy, asked } = await world()
      for (const coordinator of coordinators) {
        await write(coordinator, upTo(3_000), ended)
        await write(coordinator, [3_001, 3_002], 'prepared')
      }
      const first = owner()
      const all = await scannedBy(() => first.learn())
      assert.ok(all >= coordinators.length * 3_002, 'without a mark all of it must be read')
      for (const coordinator of coordinators) hear(first, coordinator, 3_001)
      await first.tidy()
      const open = coordinators.flatMap((each) => [idOf(each, 3_001), idOf(each, 3_002)])
      // Of each coordinator: the two, the one that tells of it, and at most ten that come before.
      const most = coordinators.length * (2 + 1 + 10)
      const next = owner()
      assert.ok((await scannedBy(() => next.learn())) <= most)
      for (const one of [first, next]) {
        assert.equal(one.size, open.length)
        pass(muchLaterMs)
        asked()
        assert.ok((await scannedBy(() => one.tidy())) <= most)
        assert.deepEqual(asked(), open.toSorted())
      }
    })
  }

  test('what is held below the mark is found by every later owner', async () => {
    const { owner, write, mark, isHeld, reported, scannedBy, count } = await world()
    await write('order.0', upTo(1_000), 'committed')
    await write('order.0', [300, 700], 'prepared')
    const first = owner()
    await first.learn()
    hear(first, 'order.0', 1_001)
    await first.tidy()
    assert.equal(await mark('order.0'), position(1_001))
    assert.deepEqual(reported, [idOf('order.0', 300), idOf('order.0', 700)])
    const next = owner()
    assert.ok((await scannedBy(() => next.learn())) < 20)
    assert.equal(next.size, 2)
    await write('order.0', [300], 'aborted')
    hear(next, 'order.0', 1_002)
    await next.tidy()
    assert.deepEqual([await isHeld('order.0', 300), await isHeld('order.0', 700)], [false, true])
    await write('order.0', [700], 'committed')
    hear(next, 'order.0', 1_003)
    await next.tidy()
    assert.equal(await count(heldPrefix), 0)
    assert.equal(next.size, 0)
  })

  test('a sweep that dies anywhere hides nothing that is held', async () => {
    for (let writes = 0; ; writes++) {
      const { owner, write, fails, mark } = await world()
      await write('order.0', upTo(700), 'executed')
      const held = [1, 250, 650, 700]
      await write('order.0', held, 'prepared')
      const first = owner()
      await first.learn()
      hear(first, 'order.0', 701)
      fails(writes)
      const isWhole = await first.tidy().then(
        () => true,
        () => false,
      )
      fails(Number.POSITIVE_INFINITY)
      const next = owner()
      await next.learn()
      hear(next, 'order.0', 701)
      await next.tidy()
      assert.equal(await mark('order.0'), position(701))
      assert.equal(next.size, held.length, `after ${writes} writes`)
      if (isWhole) break
      assert.ok(writes < 20)
    }
  })

  test('nothing is passed before all has been learnt', async () => {
    const { owner, write, fails, mark } = await world()
    await write('order.0', [5], 'prepared')
    const one = owner()
    fails(0)
    await assert.rejects(one.learn(), /away/)
    hear(one, 'order.0', 9)
    await assert.rejects(one.tidy(), /away/)
    assert.equal(await mark('order.0'), undefined)
    fails(Number.POSITIVE_INFINITY)
    await one.tidy()
    assert.equal(await mark('order.0'), position(9))
    assert.equal(one.size, 1)
  })

  test('one that was parked when it had ended stays known', async () => {
    const { owner, put, branch, isHeld } = await world()
    const parked = { ...branch(idOf('order.0', 4), 'committed'), parked: ['abort'] as const }
    await put(keyOf('order.0', 4), parked)
    for (const heard of [5, 6]) {
      const one = owner()
      await one.learn()
      hear(one, 'order.0', heard)
      await one.tidy()
      assert.equal(one.size, 1)
      assert.equal(await isHeld('order.0', 4), true)
    }
  })
})

test('the mark never goes back', async () => {
  for (const audit of [true, false]) {
    const { owner, mark } = await world(audit)
    for (const heard of [7, 12, 9]) {
      const one = owner()
      hear(one, 'order.0', heard)
      await one.tidy()
    }
    assert.equal(await mark('order.0'), position(12))
  }
})

test('without AUDIT what the mark has passed is dropped, but for what is held', async () => {
  const { owner, write, count, reported } = await world(false)
  await write('order.0', upTo(650), 'executed')
  await write('order.0', [40, 600], 'prepared')
  const one = owner()
  await one.learn()
  hear(one, 'order.0', 641)
  await one.tidy()
  assert.equal(await count('branch:'), 10 + 2)
  assert.equal(one.size, 10 + 2)
  assert.deepEqual(reported, [idOf('order.0', 40), idOf('order.0', 600)])
})

test('a mark that nobody asked for is not believed beyond its own command', async () => {
  const { owner, write, mark, pass } = await world(false)
  await write('order.0', [5], 'prepared')
  const one = owner()
  await one.learn()
  const tell = () => one.hear('order.0', keyOf('order.0', 5), position(5), position(9))
  tell()
  await one.tidy()
  assert.equal(await mark('order.0'), undefined)
  pass(inquireAfterMs)
  await one.tidy()
  tell()
  await one.tidy()
  assert.equal(await mark('order.0'), position(9))
})

test('where more is due than may be asked about, each has its turn', async () => {
  const { owner, write, pass, asked } = await world(false)
  const all = ['order.0', 'order.1'].flatMap((each) => upTo(500).map((n) => idOf(each, n)))
  for (const coordinator of ['order.0', 'order.1']) {
    await write(coordinator, upTo(500), 'executed')
  }
  const one = owner()
  await one.learn()
  const seen = new Set<string>()
  for (let sweeps = 0; sweeps < 10; sweeps++) {
    pass(inquireAfterMs)
    await one.tidy()
    const now = asked()
    assert.ok(now.length <= 100)
    for (const transaction of now) seen.add(transaction)
  }
  assert.equal(seen.size, all.length)
})

test('records that no participant wrote are left alone and end no reading', async () => {
  for (const audit of [true, false]) {
    const { owner, write, put, branch } = await world(audit)
    await put('branch:', branch('x', 'prepared'))
    await put('branch:order.3:a1a1', branch('order.0.1.1', 'prepared'))
    await put('branch:order.3:zz', branch('no id', 'prepared'))
    await put('held:order.3:a1a9', true)
    await write('order.4', [1], 'prepared')
    const one = owner()
    await one.learn()
    assert.equal(one.size, 1)
  }
})

test('others have their turn between two pages of branches', async () => {
  for (const audit of [true, false]) {
    const { owner, write, rests } = await world(audit)
    await write('order.0', upTo(2_600), 'prepared')
    const one = owner()
    await one.learn()
    assert.equal(one.size, 2_600)
    assert.ok(rests() >= 5)
  }
})
