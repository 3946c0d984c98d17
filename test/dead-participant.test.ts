/** I9: one dead participant delays only the orders that need it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { partitionOf } from '../lib/runtime/partition.ts'
import { openBusShop } from './open-bus-shop.ts'
import type { Shop } from './shop.ts'
import { variants } from './variants.ts'

const partitions = 2
const dead = 1
const [places, stuck, others] = [4, 8, 12]

/** An item of this partition, with units for all. */
async function itemIn(shop: Shop, partition: number): Promise<string> {
  for (;;) {
    const item = await shop.item(1, stuck + others)
    if (partitionOf(item, partitions) === partition) return item
  }
}

for (const variant of variants) {
  test(`${variant.name}: more checkouts than places wait for the dead, others go on`, async () => {
    const running = await openBusShop(variant, {
      partitions: String(partitions),
      maxRunningCheckouts: String(places),
    })
    try {
      const { shop } = running
      const user = await shop.user(stuck + others)
      const orderOf = async (item: string) => {
        const order = await shop.order(user)
        await shop.addItem(order, item, 1)
        return order
      }
      const [well, lost] = [await itemIn(shop, 1 - dead), await itemIn(shop, dead)]
      const waiting = await Promise.all(Array.from({ length: stuck }, () => orderOf(lost)))
      const going = await Promise.all(Array.from({ length: others }, () => orderOf(well)))
      running.cutOff('stock', dead)
      const never = waiting.map((order) => shop.checkout(order))
      for (const order of going) assert.equal((await shop.checkout(order)).status, 200)
      for (const { status } of await Promise.all(never)) assert.notEqual(status, 200)
    } finally {
      await running.close()
    }
  })
}
