/**
 * One participant partition, or the orders beside the coordinator's log: its records and what it
 * remembers of branches. All of it is durable, so its crash loses only what it had in its hands.
 */
import { addLine, type OrderRecord, orderDomain } from '../../order/order.ts'
import { type AccountRecord, accountDomain } from '../../payment/account.ts'
import type { Command, Reply, ServiceName } from '../../protocol/messages.ts'
import { type BranchRecord, type Domain, obey } from '../../protocol/participant.ts'
import { type ItemRecord, itemDomain } from '../../stock/item.ts'

export type AnyRecord = OrderRecord | ItemRecord | AccountRecord

export interface Node {
  readonly service: ServiceName
  readonly partition: number
  /** What each item or account began with, since it was last replaced. */
  readonly first: Readonly<Record<string, number>>
  readonly records: Readonly<Record<string, AnyRecord>>
  readonly branches: Readonly<Record<string, BranchRecord>>
}

export interface Obedience {
  readonly node: Node
  readonly reply: Reply
  readonly isRecovered: boolean
}

/** Each is given records of its own service only. */
const domains = {
  order: orderDomain,
  stock: itemDomain,
  payment: accountDomain,
} as unknown as Readonly<Record<ServiceName, Domain<AnyRecord>>>

export function obeyAt(node: Node, command: Command): Obedience {
  const { service, partition } = node
  const { transaction, verb } = command
  const { entries } = command.branch
  const records = entries.map(({ id }) => node.records[id])
  const domain = domains[service]
  const obeyed = obey(command, node.branches[transaction], records, domain)
  const changed = { ...node.records }
  obeyed.records?.forEach((record, index) => {
    if (record !== undefined) changed[entries[index]!.id] = record
  })
  const branches =
    obeyed.branch === undefined
      ? node.branches
      : sorted({ ...node.branches, [transaction]: obeyed.branch })
  const { answer, reason } = obeyed
  const reply: Reply = {
    kind: 'reply',
    verb,
    transaction,
    service,
    partition,
    answer,
    ...(reason === undefined ? {} : { reason }),
  }
  return {
    node: { ...node, records: changed, branches },
    reply,
    isRecovered: obeyed.recovered === true,
  }
}

/** The same branches in another order are the same state. */
const sorted = <T>(record: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

/** A client adds a unit of an item to an order; undefined where the order refuses. */
export function added(node: Node, orderId: string, itemId: string): Node | undefined {
  const order = addLine(node.records[orderId] as OrderRecord, itemId, 1, 1, 9)
  if (typeof order === 'string') return undefined
  return { ...node, records: { ...node.records, [orderId]: order } }
}

/** A bulk load puts a new item in the place of the old one. */
export function replaced(node: Node, itemId: string, stock: number): Node {
  const old = node.records[itemId] as ItemRecord
  const item: ItemRecord = { price: old.price, stock, held: 0, generation: old.generation + 1 }
  return {
    ...node,
    first: { ...node.first, [itemId]: stock },
    records: { ...node.records, [itemId]: item },
  }
}
