/** What a coordinator partition does when others are away, full, or have overtaken it. */
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

/** Owners of one partition, in turn, for whom no time passes: none looks who owns it. */
async function ownersOf(storage: Storage, keptDecisions: number) {
  const settle = async () => {
    for (let turn = 0; turn < 6; turn++) await new Promise<void>((go) => setImmediate(go))
  }
  return {
    settle,
    async takeOver() {
      const commands: Command[] = []
      const lost: string[] = []
      const partition = await CoordinatorPartition.open(
        {
          ...{ home: 'orchestrator', protocol: 'saga', storage, random: seededRandom(1) },
          ...{ counters: new CoordinatorCounters(), log: createLog('silent') },
          config: { ...config, maxUnapplied: 256, keptDecisions },
          bus: {
            inbox: { topic: 'inbox', partition: 0 },
            send(_topic, _partition, message) {
              if (message.kind === 'command') commands.push(message)
            },
            consume: async () => ({ close: async () => {} }),
            close: async () => {},
          },
          clock: {
            ...{ now: () => 0, wallTime: () => 0, sleep: async () => {} },
            ...{ after: () => ({ cancel() {} }), every: () => ({ cancel() {} }) },
          },
          onLost: (_partition, error) => lost.push((error as ShopError).code),
        },
        0,
      )
      await settle()
      return {
        ...{ partition, commands, lost },
        /** Everything that is asked is obeyed, but what is asked for `stuck`. */
        async obeyAll(stuck?: string) {
          while (commands.some(({ transaction }) => transaction !== stuck)) {
            for (const { verb, transaction, branch } of commands.splice(0)) {
              if (transaction === stuck) continue
              const { service, partition: at } = branch
              const reply = { kind: 'reply', verb, transaction, service, partition: at } as const
              const isVote = verb === 'prepare' || verb === 'execute'
              void partition.receive({ ...reply, answer: isVote ? 'yes' : 'done' })
            }
            await settle()
          }
        },
      }
    },
  }
}

for (const [kept, more] of [
  [0, 20],
  [100, 200],
] as const) {
  test(`an owner that was overtaken undoes no committed saga; ${kept} decisions kept`, async () => {
    const { takeOver, settle } = await ownersOf(await openMemoryStorage({ partitions: 1 }), kept)
    const former = await takeOver()
    void former.partition.run(checkoutOf('stuck')).catch(() => {})
    await settle()
    const stuck = former.commands[0]!.transaction
    const paid = former.partition.run(checkoutOf('paid'))
    await settle()
    await former.obeyAll(stuck)
    const { kind, transaction } = await paid
    assert.equal(kind, 'committed')
    // The newer owner ends what was stuck, its mark passes what was paid, and its log forgets it.
    const newer = await takeOver()
    await newer.obeyAll()
    for (let number = 0; number < more; number++) {
      void newer.partition.run(checkoutOf(`more-${number}`))
      await settle()
      await newer.obeyAll()
    }
    former.commands.length = 0
    const branch = checkoutOf('paid').branches[1]!
    await former.partition
      .receive({ kind: 'inquiry', transaction, branch, undo: 'compensate' })
      .catch(() => {})
    assert.deepEqual(former.commands, [], 'the former owner says nothing')
    assert.deepEqual(former.lost, ['fenced'])
  })
}
