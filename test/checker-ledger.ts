/**
 * What every transaction took, added up from the branches that the participants remember: the
 * ledger that checker.ts compares orders, items and users with. Branches that have not come to an
 * end, or contradict the coordinator, are reported while it is read.
 */
import type { Kind, ShopRecords, StoredBranch } from './records.ts'

export interface Debit {
  readonly userId: string
  readonly amount: number
}

/** What one transaction has taken for good. */
export interface Taken {
  readonly debits: Debit[]
  readonly units: Map<string, number>
}

/** Sums by record, of branches on the same generation of it (batch_init begins a new one). */
export class Sums {
  readonly #sums = new Map<string, number>()

  add(id: string, generation: number | undefined, amount: number): void {
    const key = `${id} ${generation}`
    this.#sums.set(key, (this.#sums.get(key) ?? 0) + amount)
  }

  of(id: string, generation: number): number {
    return this.#sums.get(`${id} ${generation}`) ?? 0
  }
}

export interface Ledger {
  /** By transaction. */
  readonly taken: Map<string, Taken>
  readonly unitsTaken: Sums
  readonly creditTaken: Sums
  /** By transaction, the order that it has paid; only where the order was a participant too. */
  readonly settledOrders: Map<string, string>
}

type BranchKind = Extract<Kind, `${string}Branches`>

export async function readLedger(
  records: ShopRecords,
  report: (difference: string) => void,
): Promise<Ledger> {
  const ledger: Ledger = {
    taken: new Map(),
    unitsTaken: new Sums(),
    creditTaken: new Sums(),
    settledOrders: new Map(),
  }
  const each = async (kind: BranchKind, enter: (branch: StoredBranch) => void) => {
    for await (const page of records.pages(kind)) {
      for (const [, branch] of page) {
        const of = `a branch of ${branch.transaction} (${kind})`
        if (branch.state === 'prepared') report(`${of} is still prepared`)
        if (branch.parked !== undefined) report(`${of} has parked ${branch.parked.join(', ')}`)
        // What a saga has executed and not compensated is taken for good.
        if (branch.state === 'committed' || branch.state === 'executed') enter(branch)
      }
    }
  }
  await each('stockBranches', (branch) => {
    const { units } = takenBy(ledger, branch.transaction)
    for (const [index, { id, amount }] of branch.entries.entries()) {
      units.set(id, (units.get(id) ?? 0) + amount)
      ledger.unitsTaken.add(id, branch.generations[index], amount)
    }
  })
  await each('paymentBranches', (branch) => {
    const { debits } = takenBy(ledger, branch.transaction)
    for (const [index, { id, amount }] of branch.entries.entries()) {
      debits.push({ userId: id, amount })
      ledger.creditTaken.add(id, branch.generations[index], amount)
    }
  })
  await each('orderBranches', (branch) => {
    for (const { id } of branch.entries) ledger.settledOrders.set(branch.transaction, id)
  })
  return ledger
}

function takenBy({ taken }: Ledger, transaction: string): Taken {
  const known = taken.get(transaction)
  if (known !== undefined) return known
  const entry: Taken = { debits: [], units: new Map() }
  taken.set(transaction, entry)
  return entry
}
