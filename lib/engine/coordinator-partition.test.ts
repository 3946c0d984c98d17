/** What a coordinator partition does when participants leave its decisions unapplied. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checkout, Command, Outcome } from '../../protocol/messages.ts'
import { positionOf } from '../../protocol/transaction-id.ts'
import { readConfig } from '../runtime/config.ts'
import { createLog } from '../runtime/log.ts'
import { seededRandom } from '../runtime/random.ts'
import { openMemoryStorage } from '../storage/memory.ts'
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

/** A coordinator whose participants answer only what the test answers for them. */
async function coordinator() {
  let now = 0
  const ticks: (() => void)[] = []
  const commands: Command[] = []
  const counters = new CoordinatorCounters()
  const storage = await openMemoryStorage({ partitions: 1 })
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
        sleep: never,
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
    async pass(ms: number) {
      now += ms
      for (const tick of ticks) tick()
      await settle()
    },
    /** Every participant has applied every abort that it was sent. */
    async applyAborts() {
      for (const { verb, transaction, branch } of commands.splice(0)) {
        if (verb !== 'abort') continue
        const { service, partition: at } = branch
        const reply = { kind: 'reply', verb, transaction, service, partition: at } as const
        await partition.receive({ ...reply, answer: 'done' })
      }
      await settle()
    },
  }
}

test('beyond MAX_UNAPPLIED nothing is begun, until a participant has caught up', async () => {
  const { run, pass, applyAborts, partition, counters, commands } = await coordinator()
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

  await applyAborts()
  assert.equal(partition.list().length, 0)
  await pass(25)
  await run('d')
  assert.deepEqual([counters.started, counters.turnedAway], [3, 1])
})

test('an id that was given for nothing does not hold the mark back', async () => {
  const { run, pass, applyAborts, commands } = await coordinator()
  await run('a')
  await run('b')
  await pass(100)
  await pass(50)
  await applyAborts() // between two looks: the limit is still taken for reached
  await run('turned away')
  await pass(25)
  await run('d')
  await pass(100)
  await applyAborts()
  await run('e')
  // Ids 1 and 2 have ended, 3 was given for nothing, 4 has ended: the mark is at the fifth.
  assert.equal(commands.at(-1)?.mark, positionOf(1, 5))
})
