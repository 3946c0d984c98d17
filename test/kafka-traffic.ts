/** Messages to every partition of a topic over a real broker, and whether they come. */
import assert from 'node:assert/strict'
import type { Bus } from '../lib/bus/bus.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import type { Config } from '../lib/runtime/config.ts'
import type { PriceRequest } from '../protocol/messages.ts'

/** Far more than it takes; who needs longer does not come back. */
export const backWithinMs = 30_000

export const price = (id: string): PriceRequest => ({
  kind: 'price',
  id,
  itemId: 'apple',
  replyTo: { topic: 'inbox', partition: 0 },
})

/** Sends to every partition, again and again, and remembers what came. */
export class Traffic {
  readonly #bus: Bus
  readonly #partitions: number
  readonly #seen = new Map<number, number>()
  #next = 0

  private constructor(bus: Bus, partitions: number) {
    this.#bus = bus
    this.#partitions = partitions
  }

  static async over(bus: Bus, { partitions }: Config): Promise<Traffic> {
    const traffic = new Traffic(bus, partitions)
    await bus.consume('stock', {
      receive(partition, messages) {
        for (const message of messages) {
          const id = Number((message as PriceRequest).id)
          traffic.#seen.set(partition, Math.max(id, traffic.#seen.get(partition) ?? -1))
        }
      },
    })
    return traffic
  }

  /** Ms until something that was sent from now on has come on every partition. */
  async flows(withinMs = backWithinMs): Promise<number> {
    const startedAt = systemClock.now()
    const first = this.#next
    for (;;) {
      for (let partition = 0; partition < this.#partitions; partition++) {
        this.#bus.send('stock', partition, price(String(this.#next)))
      }
      this.#next++
      await systemClock.sleep(20)
      const isThrough = Array.from({ length: this.#partitions }, (_, partition) => partition)
      if (isThrough.every((each) => (this.#seen.get(each) ?? -1) >= first)) break
      const ms = systemClock.now() - startedAt
      assert.ok(ms < withinMs, `nothing came through within ${ms} ms`)
    }
    return systemClock.now() - startedAt
  }
}
