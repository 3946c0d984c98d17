/** What a partition reads of its branches when it begins, where AUDIT keeps all that ever were. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BranchState } from '../../protocol/participant.ts'
import { positionOf } from '../../protocol/transaction-id.ts'
import type { Clock } from '../runtime/clock.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import type { Storage } from '../storage/storage.ts'
import { branchKeyAt, heldKey, markKey } from './keys.ts'
import { KnownBranches, type StoredBranch } from './known-branches.ts'

const partition = 0
const inquireAfterMs = 100
/** More than a minute: everything is read once more. */
const muchLaterMs = 100_000
const position = (sequence: number) => positionOf(1, sequence)
const idOf = (coordinator: string, sequence: number) => `${coordinator}.1.${sequence}`

/** A partition's storage that counts what is scanned, and owners whose time is told. */
async function world(audit = true) {
  let now = 0
  let scanned = 0
  let rests = 0
  const reported: string[] = []
  const inquired: string[] = []
  const disk = await openMemoryStorage({ partitions: 1 })
  const storage: Storage = {
    partitions: 1,
    transact: (at, keys, step) => disk.transact(at, keys, step),
    read: (at, key) => disk.read(at, key),
    async scan(at, prefix, options) {
      const page = await disk.scan(at, prefix, options)
      scanned += page.length
      return page
    },
    load: (at, entries) => disk.load(at, entries),
    close: () => disk.close(),
  }
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
  const branch = (coordinator: string, sequence: number, state: BranchState): StoredBranch => ({
    ...{ transaction: idOf(coordinator, sequence), state },
    ...{ entries: [{ id: 'a', amount: 1 }], generations: [0] },
  })
  return {
    ...{ owner, branch, reported, inquired },
    rests: () => rests,
    pass(ms: number) {
      now += ms
    },
    scannedBy: async (work: () => Promise<unknown>) => {
      const before = scanned
      await work()
      return scanned - before
    },
    write: (coordinator: string, sequences: readonly number[], state: BranchState) =>
      disk.load(
        partition,
        sequences.map((sequence) => ({
          key: branchKeyAt(coordinator, position(sequence)),
          record: branch(coordinator, sequence, state),
        })),
      ),
    read: (key: string) => disk.read<string>(partition, key),
  }
}

const upTo = (count: number, from = 1) => Array.from({ length: count }, (_, index) => from + index)
const coordinators = ['orchestrator.0', 'order.0', 'order.1', 'order.10']

/** What an owner has heard of a coordinator: that all before `sequence` has ended. */
function hear(owner: KnownBranches, coordinator: string, sequence: number): void {
  const key = branchKeyAt(coordinator, position(sequence))
  owner.hear(coordinator, key, position(sequence), position(sequence))
}

describe('with AUDIT', () => {
  test('what has ended is not read again: not later, and not by the next owner', async () => {
    const { owner, write, pass, scannedBy, inquired } = await world()
    for (const coordinator of coordinators) {
      await write(coordinator, upTo(3_000), 'committed')
      await write(coordinator, [3_001, 3_002], 'prepared')
    }
    const first = owner()
    const all = await scannedBy(() => first.learn())
    assert.ok(all >= coordinators.length * 3_002, 'without a mark all of it must be read')
    assert.equal(first.size, coordinators.length * 2)
    for (const coordinator of coordinators) hear(first, coordinator, 3_001)
    await first.tidy()
    pass(muchLaterMs)
    // Of each coordinator: the two, the one that tells of it, and at most ten that come before.
    const most = coordinators.length * (2 + 1 + 10)
    assert.ok((await scannedBy(() => first.tidy())) <= most)
    const next = owner()
    assert.ok((await scannedBy(() => next.learn())) <= most)
    assert.equal(next.size, coordinators.length * 2)
    pass(inquireAfterMs)
    inquired.length = 0
    await next.tidy()
    const open = coordinators.flatMap((each) => [idOf(each, 3_001), idOf(each, 3_002)])
    assert.deepEqual(inquired.toSorted(), open.toSorted())
  })

  test('what is held below the mark is found by every later owner', async () => {
    const { owner, write, read, reported } = await world()
    await write('order.0', upTo(1_000), 'committed')
    await write('order.0', [300, 700], 'prepared')
    const first = owner()
    await first.learn()
    hear(first, 'order.0', 1_001)
    await first.tidy()
    assert.equal(await read(markKey('order.0')), position(1_001))
    assert.equal(await read(heldKey('order.0')), branchKeyAt('order.0', position(300)))
    assert.deepEqual(reported, [idOf('order.0', 300), idOf('order.0', 700)])
    const next = owner()
    await next.learn()
    assert.equal(next.size, 2)
    await write('order.0', [300], 'aborted')
    hear(next, 'order.0', 1_002)
    await next.tidy()
    assert.equal(await read(heldKey('order.0')), branchKeyAt('order.0', position(700)))
    await write('order.0', [700], 'committed')
    hear(next, 'order.0', 1_003)
    await next.tidy()
    assert.equal(await read(heldKey('order.0')), undefined)
  })

  test('a former owner that wakes up hides nothing that is held, and learns of it', async () => {
    const { owner, write, read, pass } = await world()
    const former = owner()
    await former.learn()
    await write('order.0', upTo(9), 'committed')
    await write('order.0', [5], 'prepared')
    const next = owner()
    await next.learn()
    hear(next, 'order.0', 10)
    await next.tidy()
    for (const heard of [8, 11, 12]) {
      hear(former, 'order.0', heard)
      await former.tidy()
      assert.equal(await read(heldKey('order.0')), branchKeyAt('order.0', position(5)))
      pass(1)
    }
    assert.equal(former.size, 1)
    await write('order.0', [5], 'aborted')
    hear(former, 'order.0', 13)
    await former.tidy()
    assert.equal(await read(heldKey('order.0')), undefined)
  })
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
