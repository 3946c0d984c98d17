/** What can be done with items outside a checkout. Each is one atomic step; rules: item.ts. */
import { loadBatch } from '../lib/engine/batch.ts'
import { Idempotency } from '../lib/engine/idempotency.ts'
import { newId } from '../lib/engine/new-id.ts'
import { patiently } from '../lib/engine/patience.ts'
import type { ServicePorts } from '../lib/engine/service.ts'
import { partitionOf } from '../lib/runtime/partition.ts'
import { json, problem, type ShopAnswer, type ShopRequest, text } from '../lib/runtime/route.ts'
import type { Draft } from '../lib/storage/storage.ts'
import { addUnits, type ItemRecord, itemDomain, newItem } from './item.ts'

export const itemPrefix = 'item:'
export const itemKey = (id: string) => itemPrefix + id

/** How long a direct subtract waits for units that open checkouts hold. */
const holdPatienceMs = 1_000

export class Stock {
  readonly #ports: ServicePorts
  readonly #idempotency: Idempotency

  constructor(ports: ServicePorts) {
    this.#ports = ports
    this.#idempotency = new Idempotency(ports)
  }

  close(): void {
    this.#idempotency.close()
  }

  async create(request: ShopRequest, price: number): Promise<ShopAnswer> {
    const { random, storage } = this.#ports
    const id = newId(random, storage.partitions, this.#idempotency.partitionFor(request))
    return this.#idempotency.once(request, this.#partition(id), [itemKey(id)], (draft) => {
      draft.put(itemKey(id), newItem(price))
      return json({ item_id: id })
    })
  }

  async find(id: string): Promise<ShopAnswer> {
    const item = await this.read(id)
    if (item === undefined) return unknown(id)
    return json({ stock: item.stock, price: item.price })
  }

  read(id: string): Promise<ItemRecord | undefined> {
    return this.#ports.storage.read<ItemRecord>(this.#partition(id), itemKey(id))
  }

  async add(request: ShopRequest, id: string, units: number): Promise<ShopAnswer> {
    return this.#idempotency.once(request, this.#partition(id), [itemKey(id)], (draft) => {
      const item = draft.get<ItemRecord>(itemKey(id))
      if (item === undefined) return unknown(id)
      const added = addUnits(item, units)
      if (added === undefined) {
        return problem('overflow', `Item ${id} cannot have more than 2^53-1 units.`)
      }
      draft.put(itemKey(id), added)
      return text(`Item ${id} has ${added.stock} units`)
    })
  }

  async subtract(request: ShopRequest, id: string, units: number): Promise<ShopAnswer> {
    const once = <A extends ShopAnswer | undefined>(step: (draft: Draft) => A) =>
      this.#idempotency.once(request, this.#partition(id), [itemKey(id)], step)
    const subtract = (draft: Draft): ShopAnswer | undefined => {
      const item = draft.get<ItemRecord>(itemKey(id))
      if (item === undefined) return unknown(id)
      const held = itemDomain.hold(item, units, 'direct')
      if (held.kind === 'busy') return undefined
      if (held.kind === 'refused') {
        return problem('insufficient_stock', `Item ${id} has fewer than ${units} units.`)
      }
      const taken = itemDomain.take(held.record, units, 'direct')
      draft.put(itemKey(id), taken)
      return text(`Item ${id} has ${taken.stock} units`)
    }
    const answer = await patiently(this.#ports, holdPatienceMs, () => once(subtract))
    return answer ?? once((draft) => subtract(draft) ?? busy(id))
  }

  batchInit(
    request: ShopRequest,
    count: number,
    stock: number,
    price: number,
  ): Promise<ShopAnswer> {
    return this.#idempotency.around(request, async () => {
      await loadBatch(this.#ports.storage, count, itemKey, (generation) => ({
        price,
        stock,
        held: 0,
        generation,
      }))
      return json({ msg: 'Batch init for stock successful' })
    })
  }

  #partition(id: string): number {
    return partitionOf(id, this.#ports.storage.partitions)
  }
}

const unknown = (id: string) => problem('unknown_item', `There is no item ${id}.`)

const busy = (id: string) =>
  problem('busy', `Checkouts under way hold units of item ${id}; try again.`)
