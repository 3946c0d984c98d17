/**
 * What every bus adapter must do, as one suite: an adapter's own test is a few lines that call it.
 * It asserts only what the port promises; order and exactly-once are no promises, so no test
 * may rest on them; a healthy adapter is expected to lose nothing within the suite's patience.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import type { Message, PriceRequest } from '../../protocol/messages.ts'
import { systemClock } from '../runtime/clock.ts'
import type { Bus } from './bus.ts'

export interface BusUnderTest {
  /** A bus of its own for each call, all connected to the same broker, as separate instances. */
  open(): Promise<Bus>
  readonly partitions: number
}

const patienceMs = 20_000

const priced = (id: string, itemId = 'apple'): PriceRequest => ({
  kind: 'price',
  id,
  itemId,
  replyTo: { topic: 'inbox', partition: 0 },
})

/** Collects ids until all of `wanted` were seen, or fails after a while. */
class Collector {
  readonly seen: string[] = []
  readonly batches: number[] = []
  readonly #arrived: (() => void)[] = []

  add(messages: readonly Message[]): void {
    this.batches.push(messages.length)
    for (const message of messages) this.seen.push((message as PriceRequest).id)
    for (const wake of this.#arrived.splice(0)) wake()
  }

  async until(wanted: ReadonlySet<string>): Promise<void> {
    const giveUpAt = systemClock.now() + patienceMs
    while (![...wanted].every((id) => this.seen.includes(id))) {
      const missing = [...wanted].filter((id) => !this.seen.includes(id))
      assert(systemClock.now() < giveUpAt, `${missing.length} messages never came`)
      await Promise.race([
        new Promise<void>((resolve) => this.#arrived.push(resolve)),
        systemClock.sleep(100),
      ])
    }
  }
}

export function busConformance(name: string, prepare: () => Promise<BusUnderTest>): void {
  describe(`bus conformance: ${name}`, () => {
    const opened: Bus[] = []
    const open = async (under: BusUnderTest) => {
      const bus = await under.open()
      opened.push(bus)
      return bus
    }
    after(async () => {
      for (const bus of opened) await bus.close()
    })

    test('a consumer is assigned every partition and receives what is sent to each', async () => {
      const under = await prepare()
      const bus = await open(under)
      const assigned = new Set<number>()
      const collector = new Collector()
      const places = new Map<string, number>()
      await bus.consume('stock', {
        assigned: (partition) => void assigned.add(partition),
        receive(partition, messages) {
          for (const message of messages) places.set((message as PriceRequest).id, partition)
          collector.add(messages)
        },
      })
      const ids = Array.from({ length: under.partitions * 10 }, (_, index) => `m${index}`)
      for (const [index, id] of ids.entries()) {
        bus.send('stock', index % under.partitions, priced(id))
      }
      await collector.until(new Set(ids))
      assert.equal(assigned.size, under.partitions)
      for (const [index, id] of ids.entries()) {
        assert.equal(places.get(id), index % under.partitions)
      }
    })

    test('messages of one tick to one partition arrive together', async () => {
      const bus = await open(await prepare())
      const collector = new Collector()
      await bus.consume('payment', { receive: (_, messages) => collector.add(messages) })
      const ids = Array.from({ length: 500 }, (_, index) => `t${index}`)
      for (const id of ids) bus.send('payment', 0, priced(id))
      await collector.until(new Set(ids))
      assert(collector.batches.length <= 50, `${collector.batches.length} batches for one tick`)
    })

    test('content survives: zero, text of every kind, 50 KB', async () => {
      const bus = await open(await prepare())
      const received = new Map<string, Message>()
      const collector = new Collector()
      await bus.consume('order', {
        receive(_, messages) {
          for (const message of messages) received.set((message as PriceRequest).id, message)
          collector.add(messages)
        },
      })
      const texts = ['plain', 'ümläut ☃ 漢字 🧾', '"quoted"\\ \u0000 \n', 'x'.repeat(50_000)]
      const messages = texts.map((text, index) => priced(`c${index}`, text))
      for (const message of messages) bus.send('order', 0, message)
      await collector.until(new Set(messages.map(({ id }) => id)))
      for (const message of messages) assert.deepEqual(received.get(message.id), message)
    })

    test('what is sent to an inbox reaches that instance', async () => {
      const bus = await open(await prepare())
      const collector = new Collector()
      await bus.consume('inbox', { receive: (_, messages) => collector.add(messages) })
      bus.send(bus.inbox.topic, bus.inbox.partition, priced('reply'))
      await collector.until(new Set(['reply']))
    })

    test('a consumer that fails does not stall its partition', async () => {
      const bus = await open(await prepare())
      const collector = new Collector()
      let failures = 0
      await bus.consume('order-coordinator', {
        receive(_, messages) {
          if (failures++ === 0) throw new Error('the first delivery fails')
          collector.add(messages)
        },
      })
      bus.send('order-coordinator', 0, priced('poison'))
      await systemClock.sleep(0)
      const giveUpAt = systemClock.now() + patienceMs
      while (failures === 0 && systemClock.now() < giveUpAt) await systemClock.sleep(5)
      bus.send('order-coordinator', 0, priced('next'))
      await collector.until(new Set(['next']))
    })

    test('after a subscription is closed nothing is received any more', async () => {
      const bus = await open(await prepare())
      const collector = new Collector()
      let revoked = 0
      const subscription = await bus.consume('orchestrator', {
        receive: (_, messages) => collector.add(messages),
        revoked: () => void revoked++,
      })
      bus.send('orchestrator', 0, priced('before'))
      await collector.until(new Set(['before']))
      await subscription.close()
      assert(revoked > 0)
      bus.send('orchestrator', 0, priced('after'))
      await systemClock.sleep(50)
      assert(!collector.seen.includes('after'))
    })

    test('send never throws, whoever listens, and close may be called twice', async () => {
      const bus = await open(await prepare())
      bus.send('stock', 0, priced('nobody'))
      await bus.close()
      await bus.close()
      bus.send('stock', 0, priced('closed'))
    })
  })
}
