/** What one partition of a participant suffers is not another's. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Message } from '../../protocol/messages.ts'
import type { Domain } from '../../protocol/participant.ts'
import { createLog } from '../runtime/log.ts'
import { partitionOf } from '../runtime/partition.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import type { Storage } from '../storage/storage.ts'
import { Participant } from './participant.ts'

const partitions = 2
const dead = 0
const inquireAfterMs = 100
const sweepMs = 200

/** Whatever is asked for is held. */
const domain: Domain<number> = {
  hold: (record = 0) => ({ kind: 'held', record }),
  take: (record) => record,
  release: (record) => record,
  restore: (record) => record,
  generation: () => 0,
}

test('a partition whose database is away holds up the questions of no other', async () => {
  const disk = await openMemoryStorage({ partitions })
  let isAway = false
  const reach = <T>(partition: number, work: () => Promise<T>) =>
    isAway && partition === dead ? Promise.reject(new Error('away')) : work()
  const storage: Storage = {
    ...{ partitions, load: disk.load.bind(disk), close: disk.close.bind(disk) },
    transact: (at, keys, step) => reach(at, () => disk.transact(at, keys, step)),
    read: (at, key) => reach(at, () => disk.read(at, key)),
    scan: (at, prefix, options) => reach(at, () => disk.scan(at, prefix, options)),
  }
  let now = 0
  const ticks: (() => void)[] = []
  const said: Message[] = []
  const participant = new Participant({
    ...{ service: 'stock', domain, recordKey: (id) => `item:${id}`, storage },
    ...{ config: { inquireAfterMs, sweepMs, audit: false }, log: createLog('silent') },
    bus: {
      inbox: { topic: 'inbox', partition: 0 },
      send: (_topic, _partition, message) => void said.push(message),
      consume: async () => ({ close: async () => {} }),
      close: async () => {},
    },
    clock: {
      ...{ now: () => now, wallTime: () => 0, sleep: async () => {} },
      after: () => assert.fail('it has no such timer'),
      every(_ms, run) {
        ticks.push(run)
        return { cancel: () => {} }
      },
    },
  })
  for (const partition of [0, 1]) {
    await participant.assigned(partition)
    const id = ['a', 'b', 'c', 'd'].find((each) => partitionOf(each, partitions) === partition)!
    const branch = { service: 'stock', partition, entries: [{ id, amount: 1 }] } as const
    const transaction = `order.0.1.${partition + 1}`
    const command = { kind: 'command', verb: 'prepare', transaction, branch, mark: 'a1a1' } as const
    await participant.receive(partition, [command])
  }
  isAway = true
  said.length = 0
  for (let look = 0; look < 50; look++) {
    now += sweepMs
    for (const tick of ticks) tick()
    for (let turn = 0; turn < 5; turn++) await new Promise((go) => setImmediate(go))
  }
  const asked = said.flatMap((each) => (each.kind === 'inquiry' ? [each.branch.partition] : []))
  assert.deepEqual([...new Set(asked)], [1])
})
