/** What a coordinator partition does when participants leave its decisions unapplied. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checkout, Command, Outcome } from '../../protocol/messages.ts'
import { positionOf } from '../../protocol/transaction-id.ts'
import { readConfig } from '../runtime/config.ts'
import { ShopError } from '../runtime/errors.ts'
import { createLog } from '../runtime/log.ts'
import { seededRandom } from '../runtime/random.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import type { Storage } from '../storage/storage.ts'
import { CoordinatorPartition } from './coordinator-partition.ts'
import { CoordinatorCounters } from './counters.ts'

const config = readConfig(
  { checkoutDeadlineMs: '100', busyMaxMs: '100', answerWaitMs: '50', maxUnapplied: '2' },
  {},
)

const checkoutOf = (orderId: string): Checkout => ({
  orderId,
  branches: [
    { service: 'order', partition: 0, entries: [{ id: orderId, amount: 1 }] },
    { service: 'stock', partition: 0, entries: [{ id: 'item', amount: 1 }] },
    { service: 'payment', partition: 0, entries: [{ id: 'user', amount: 1 }] },
  ],
})

/** A database that turns steps away while it is full. */
async function storageThatIs(isFull: () => boolean): Promise<Storage> {
  const roomy = await openMemoryStorage({ partitions: 1 })
  return {
    ...{ partitions: 1, read: roomy.read.bind(roomy), scan: roomy.scan.bind(roomy) },
    ...{ load: roomy.load.bind(roomy), close: roomy.close.bind(roomy) },
    transact: (partition, keys, step) =>
      isFull()
        ? Promise.reject(new ShopError('overloaded', 'Too many steps wait.'))
        : roomy.transact(partition, keys, step),
  }
}

/** A coordinator whose participants answer only what the test answers for them. */
async function coordinator() {
  let isFull = false
  let sleeping: (() => void)[] = []
  let now = 0
  const ticks: (() => void)[] = []
  const commands: Command[] = []
  const counters = new CoordinatorCounters()
  const storage = await storageThatIs(() => isFull)
  const never = () => assert.fail('it has no such timer')
  const partition = await CoordinatorPartition.open(
    {
      ...{ home: 'orchestrator', protocol: '2pc', storage, config, counters },
      random: seededRandom(1),
      bus: {
        inbox: { topic: 'inbox', partition: 0 },
        send: (_topic, _partition, message) => {
          if (message.kind === 'command') commands.push(message)
        },
        consume: async () => ({ close: async () => {} }),
        close: async () => {},
      },
      clock: {
        now: () => now,
        wallTime: () => 0,
        after: never,
        every: (_ms, run) => {
          ticks.push(run)
          return { cancel: () => {} }
        },
        sleep: () => new Promise((resolve) => sleeping.push(resolve)),
      },
      log: createLog('silent'),
      onLost: (_partition, error) => assert.fail(String(error)),
    },
    0,
  )
  /** Everything that can happen without time. */
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve))
  const asked: Promise<Outcome>[] = []
  return {
    ...{ partition, counters, commands },
    async run(orderId: string): Promise<Promise<Outcome>[]> {
      asked.push(partition.run(checkoutOf(orderId)))
      await settle()
      return asked
    },
    /** The database has too much to do, or no longer. */
    async fill(full: boolean) {
      isFull = full
      const awake = sleeping
      sleeping = []
      for (const wake of awake) wake()
      await settle()
    },
    async pass(ms: number) {
      now += ms
      for (const tick of ticks) tick()
      await settle()
    },
    /** Every participant has obeyed every command of this kind that it was sent. */
    async obey(wanted: 'prepare' | 'abort') {
      for (const { verb, transaction, branch } of commands.splice(0)) {
        if (verb !== wanted) continue
        const { service, partition: at } = branch
        const reply = { kind: 'reply', verb, transaction, service, partition: at } as const
        void partition.receive({ ...reply, answer: verb === 'prepare' ? 'yes' : 'done' })
      }
      await settle()
    },
  }
}

test('beyond MAX_UNAPPLIED nothing is begun, until a participant has caught up', async () => {
  const { run, pass, obey, partition, counters, commands } = await coordinator()
  const asked = await run('a')
  await run('b')
  await pass(100) // the deadline: aborted, and nobody applies it
  await pass(50) // answered nevertheless
  assert.deepEqual(
    (await Promise.all(asked)).map((outcome) => outcome.kind === 'aborted' && outcome.reason),
    ['timed_out', 'timed_out'],
  )
  const sent = commands.length
  const turnedAway = await (await run('c')).at(-1)
  assert.equal(turnedAway?.kind === 'aborted' && turnedAway.reason, 'overloaded')
  assert.equal(commands.length, sent, 'nothing was sent for it')
  assert.deepEqual([counters.started, counters.turnedAway], [2, 1])
  assert.equal(partition.list().length, 2, 'nothing was begun')

  await obey('abort')
  assert.equal(partition.list().length, 0)
  await pass(25)
  await run('d')
  assert.deepEqual([counters.started, counters.turnedAway], [3, 1])
})

test('an id that was given for nothing does not hold the mark back', async () => {
  const { run, pass, obey, commands } = await coordinator()
  await run('a')
  await run('b')
  await pass(100)
  await pass(50)
  await obey('abort') // between two looks: the limit is still taken for reached
  await run('turned away')
  await pass(25)
  await run('d')
  await pass(100)
  await obey('abort')
  await run('e')
  // Ids 1 and 2 have ended, 3 was given for nothing, 4 has ended: the mark is at the fifth.
  assert.equal(commands.at(-1)?.mark, positionOf(1, 5))
})

test('on a database that is full nothing is begun, and the partition is kept', async () => {
  const { run, fill, partition, commands } = await coordinator()
  await fill(true)
  const [turnedAway] = await run('a')
  const outcome = await turnedAway
  assert.equal(outcome?.kind === 'aborted' && outcome.reason, 'overloaded')
  assert.deepEqual([partition.list().length, commands.length], [0, 0])
  await fill(false)
  await run('a')
  assert.equal(partition.list()[0]?.state.phase, 'preparing')
})

test('a decision waits for a database that is full, and is written then', async () => {
  const { run, obey, fill, partition, commands } = await coordinator()
  await run('a')
  await fill(true)
  await obey('prepare')
  assert.equal(partition.list()[0]?.state.phase, 'preparing')
  assert.equal(commands.length, 0, 'nothing is sent before it is durable')
  await fill(false)
  assert.equal(partition.list()[0]?.state.phase, 'committing')
  assert.deepEqual(
    commands.map(({ verb }) => verb),
    ['commit', 'commit', 'commit'],
  )
})
