/**
 * What a running shop's decision logs and participants say of transactions, asked on its internal
 * routes (lib/engine/coordinator-routes.ts, participant-routes.ts).
 */
import type { Home, ServiceName } from '../protocol/messages.ts'
import type { BranchRecord } from '../protocol/participant.ts'
import type { State } from '../protocol/protocol.ts'
import { parseTransactionId } from '../protocol/transaction-id.ts'
import type { InternalOrigins } from '../test/http-records.ts'
import { CommandFailure } from './failure.ts'
import { ask } from './shop-client.ts'

const homes: readonly Home[] = ['order', 'orchestrator']
const participants: readonly ServiceName[] = ['order', 'stock', 'payment']

export interface OpenTransaction {
  readonly state: State
  /** Since it began, or since its coordinator took it over. */
  readonly ageMs: number
}

/** Open transactions of both coordinators, oldest first in each partition. */
export async function openTransactions(at: InternalOrigins): Promise<readonly OpenTransaction[]> {
  const instances = homes.flatMap((home) => at[home].map((base) => ({ base, home })))
  const found = await Promise.all(
    instances.map(({ base, home }) =>
      ask<{ open: readonly OpenTransaction[] }>(base, `/internal/${home}/open`),
    ),
  )
  return found.flatMap(({ open }) => open)
}

interface Page {
  readonly records: readonly (readonly [string, State])[]
  readonly partitions: number
  readonly pageSize: number
}

/**
 * The newest `limit` ended transactions of each coordinator partition, newest first. No order holds
 * between partitions: ids count within one, and clocks of different ones are never compared.
 */
export async function endedTransactions(
  at: InternalOrigins,
  limit: number,
): Promise<readonly State[]> {
  const found: State[] = []
  for (const home of homes) {
    for (let partition = 0, partitions = 1; partition < partitions; partition++) {
      let newest: State[] = []
      for await (const page of pages(at, home, partition)) {
        partitions = page.partitions
        const ended = page.records.map(([, state]) => state).filter(isEnded)
        newest = [...newest, ...ended].slice(-limit)
      }
      found.push(...newest.reverse())
    }
  }
  return found
}

const isEnded = ({ phase }: State) => phase === 'ended'

async function* pages(at: InternalOrigins, home: Home, partition: number): AsyncGenerator<Page> {
  for (let after = ''; ; ) {
    const from = after === '' ? '' : `&after=${encodeURIComponent(after)}`
    const page = await ask<Page>(
      at[home][0]!,
      `/internal/${home}/log?partition=${partition}${from}`,
    )
    yield page
    const last = page.records.at(-1)?.[0]
    if (last === undefined || page.records.length < page.pageSize) return
    if (last <= after) throw new Error(`The log of ${home} does not go on after ${after}.`)
    after = last
  }
}

export type RememberedBranch = BranchRecord & { readonly partition: number }

/** Everything that is known of one transaction. */
export interface Known {
  readonly transaction: string
  /** From the decision log; null where it has none of this id. */
  readonly state: State | null
  /** While it is open. */
  readonly ageMs: number | null
  readonly branches: Readonly<Record<ServiceName, readonly RememberedBranch[]>>
}

/** Throws CommandFailure when `transaction` is not an id at all. */
export async function inspect(at: InternalOrigins, transaction: string): Promise<Known> {
  const id = parseTransactionId(transaction)
  if (id === undefined) {
    throw new CommandFailure(
      `${transaction} is not a transaction id, such as order.0.1.42. ` +
        './till transactions lists some.',
    )
  }
  const [open, logged, ...remembered] = await Promise.all([
    openTransactions(at),
    ask<{ state: State | null }>(
      at[id.home][0]!,
      `/internal/${id.home}/transaction?id=${transaction}`,
    ),
    ...participants.map((service) =>
      ask<{ branches: readonly RememberedBranch[] }>(
        at[service][0]!,
        `/internal/${service}/branch?id=${transaction}`,
      ),
    ),
  ])
  const now = open.find(({ state }) => state.transaction === transaction)
  const branches = participants.map((service, index) => [service, remembered[index]!.branches])
  return {
    transaction,
    // Votes are only in memory: what is open knows more than its record.
    state: now?.state ?? logged.state,
    ageMs: now?.ageMs ?? null,
    branches: Object.fromEntries(branches),
  }
}
