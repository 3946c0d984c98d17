/**
 * What can be done with accounts outside a checkout. Each is one atomic step; rules: account.ts.
 */
import { loadBatch } from '../lib/engine/batch.ts'
import { Idempotency } from '../lib/engine/idempotency.ts'
import { newId } from '../lib/engine/new-id.ts'
import { patiently } from '../lib/engine/patience.ts'
import type { ServicePorts } from '../lib/engine/service.ts'
import { partitionOf } from '../lib/runtime/partition.ts'
import { json, problem, type ShopAnswer, type ShopRequest, text } from '../lib/runtime/route.ts'
import type { Draft } from '../lib/storage/storage.ts'
import { type AccountRecord, accountDomain, addCredit, newAccount } from './account.ts'

export const userPrefix = 'user:'
export const userKey = (id: string) => userPrefix + id

/** How long a direct pay waits for credit that open checkouts hold. */
const holdPatienceMs = 1_000

export class Payment {
  readonly #ports: ServicePorts
  readonly #idempotency: Idempotency

  constructor(ports: ServicePorts) {
    this.#ports = ports
    this.#idempotency = new Idempotency(ports)
  }

  close(): void {
    this.#idempotency.close()
  }

  async createUser(request: ShopRequest): Promise<ShopAnswer> {
    const { random, storage } = this.#ports
    const id = newId(random, storage.partitions, this.#idempotency.partitionFor(request))
    return this.#idempotency.once(request, this.#partition(id), [userKey(id)], (draft) => {
      draft.put(userKey(id), newAccount())
      return json({ user_id: id })
    })
  }

  async findUser(id: string): Promise<ShopAnswer> {
    const account = await this.#ports.storage.read<AccountRecord>(this.#partition(id), userKey(id))
    if (account === undefined) return unknown(id)
    return json({ user_id: id, credit: account.credit })
  }

  async addFunds(request: ShopRequest, id: string, amount: number): Promise<ShopAnswer> {
    return this.#idempotency.once(request, this.#partition(id), [userKey(id)], (draft) => {
      const account = draft.get<AccountRecord>(userKey(id))
      if (account === undefined) return unknown(id)
      const added = addCredit(account, amount)
      if (added === undefined) {
        return problem('overflow', `User ${id} cannot have more credit than 2^53-1.`)
      }
      draft.put(userKey(id), added)
      return text(`User ${id} has credit ${added.credit}`)
    })
  }

  async pay(request: ShopRequest, id: string, amount: number): Promise<ShopAnswer> {
    const once = <A extends ShopAnswer | undefined>(step: (draft: Draft) => A) =>
      this.#idempotency.once(request, this.#partition(id), [userKey(id)], step)
    const pay = (draft: Draft): ShopAnswer | undefined => {
      const account = draft.get<AccountRecord>(userKey(id))
      if (account === undefined) return unknown(id)
      const held = accountDomain.hold(account, amount, 'direct')
      if (held.kind === 'busy') return undefined
      if (held.kind === 'refused') {
        return problem('insufficient_credit', `User ${id} has less credit than ${amount}.`)
      }
      const taken = accountDomain.take(held.record, amount, 'direct')
      draft.put(userKey(id), taken)
      return text(`User ${id} has credit ${taken.credit}`)
    }
    const answer = await patiently(this.#ports, holdPatienceMs, () => once(pay))
    return answer ?? once((draft) => pay(draft) ?? busy(id))
  }

  batchInit(request: ShopRequest, count: number, credit: number): Promise<ShopAnswer> {
    return this.#idempotency.around(request, async () => {
      await loadBatch(this.#ports.storage, count, userKey, (generation) => ({
        credit,
        held: 0,
        generation,
      }))
      return json({ msg: 'Batch init for users successful' })
    })
  }

  #partition(id: string): number {
    return partitionOf(id, this.#ports.storage.partitions)
  }
}

const unknown = (id: string) => problem('unknown_user', `There is no user ${id}.`)

const busy = (id: string) =>
  problem('busy', `Checkouts under way hold credit of user ${id}; try again.`)
