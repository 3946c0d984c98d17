/**
 * One message out of parsed JSON: every field checked by hand (this runs for each message, where a
 * schema library costs more than the parsing) and copied into a new object of its kind.
 *
 * Ids are text of limited length; what they mean is looked at where they are used. Next: codec.ts.
 */
import type {
  Address,
  Answer,
  Branch,
  Checkout,
  Entry,
  Message,
  Outcome,
  Reason,
  ServiceName,
  Topic,
  Verb,
} from '../../protocol/messages.ts'

/** What is wrong, in words that name a field and never its content. */
export class Malformed extends Error {}

/** UTF-16 units of any text; ids are far shorter, item ids come from users. */
const longestText = 65_536
/** Entries of one branch, and branches of one checkout: above every setting's limit. */
const mostEntries = 10_000
const mostBranches = 4_096
const highestPartition = 65_535

type Fields = Readonly<Record<string, unknown>>

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Malformed(`${what} is not an object`)
  }
  return value as Fields
}

function text(fields: Fields, name: string): string {
  const value = fields[name]
  if (typeof value !== 'string' || value.length > longestText) {
    throw new Malformed(`${name} is not a text, or too long`)
  }
  return value
}

function whole(fields: Fields, name: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = fields[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most) {
    throw new Malformed(`${name} is not a whole number in its range`)
  }
  return value as number
}

function oneOf<T extends string>(fields: Fields, name: string, allowed: ReadonlySet<string>): T {
  const value = fields[name]
  if (typeof value !== 'string' || !allowed.has(value)) {
    throw new Malformed(`${name} is not one of its words`)
  }
  return value as T
}

function list(fields: Fields, name: string, most: number): readonly unknown[] {
  const value = fields[name]
  if (!Array.isArray(value) || value.length > most) {
    throw new Malformed(`${name} is not a list, or too long`)
  }
  return value
}

const words = <T extends string>(all: Readonly<Record<T, true>>) =>
  new Set<string>(Object.keys(all))

const services = words<ServiceName>({ order: true, stock: true, payment: true })
const topics = words<Topic>({
  order: true,
  stock: true,
  payment: true,
  'order-coordinator': true,
  orchestrator: true,
  inbox: true,
})
const verbs = words<Verb>({
  prepare: true,
  commit: true,
  abort: true,
  execute: true,
  compensate: true,
})
const undos = words<'abort' | 'compensate'>({ abort: true, compensate: true })
const answers = words<Answer>({ yes: true, refused: true, busy: true, done: true, parked: true })
const reasons = words<Reason>({
  insufficient_stock: true,
  insufficient_credit: true,
  unknown_item: true,
  unknown_user: true,
  unknown_order: true,
  already_paid: true,
  order_changed: true,
  in_checkout: true,
  overflow: true,
  busy: true,
  timed_out: true,
  ended: true,
  overloaded: true,
})

const numberOf = (fields: Fields) =>
  fields.sent === undefined ? {} : { sent: whole(fields, 'sent') }

function entryOf(value: unknown): Entry {
  const fields = fieldsOf(value, 'an entry')
  return { id: text(fields, 'id'), amount: whole(fields, 'amount') }
}

function branchOf(value: unknown): Branch {
  const fields = fieldsOf(value, 'branch')
  return {
    service: oneOf<ServiceName>(fields, 'service', services),
    partition: whole(fields, 'partition', highestPartition),
    entries: list(fields, 'entries', mostEntries).map(entryOf),
  }
}

function checkoutOf(value: unknown): Checkout {
  const fields = fieldsOf(value, 'checkout')
  return {
    orderId: text(fields, 'orderId'),
    branches: list(fields, 'branches', mostBranches).map(branchOf),
    ...(fields.paidBy === undefined ? {} : { paidBy: text(fields, 'paidBy') }),
  }
}

function addressOf(value: unknown): Address {
  const fields = fieldsOf(value, 'replyTo')
  return {
    topic: oneOf<Topic>(fields, 'topic', topics),
    partition: whole(fields, 'partition', highestPartition),
  }
}

function outcomeOf(value: unknown): Outcome {
  const fields = fieldsOf(value, 'outcome')
  const transaction = text(fields, 'transaction')
  if (fields.kind === 'committed') return { kind: 'committed', transaction }
  if (fields.kind !== 'aborted') throw new Malformed('the outcome is not one of its words')
  return { kind: 'aborted', transaction, reason: oneOf<Reason>(fields, 'reason', reasons) }
}

const kinds: Readonly<Record<Message['kind'], (fields: Fields) => Message>> = {
  command: (fields) => ({
    kind: 'command',
    verb: oneOf<Verb>(fields, 'verb', verbs),
    transaction: text(fields, 'transaction'),
    branch: branchOf(fields.branch),
    mark: text(fields, 'mark'),
    ...numberOf(fields),
  }),
  reply: (fields) => ({
    kind: 'reply',
    verb: oneOf<Verb>(fields, 'verb', verbs),
    transaction: text(fields, 'transaction'),
    service: oneOf<ServiceName>(fields, 'service', services),
    partition: whole(fields, 'partition', highestPartition),
    answer: oneOf<Answer>(fields, 'answer', answers),
    ...(fields.reason === undefined ? {} : { reason: oneOf<Reason>(fields, 'reason', reasons) }),
    ...numberOf(fields),
  }),
  inquiry: (fields) => ({
    kind: 'inquiry',
    transaction: text(fields, 'transaction'),
    branch: branchOf(fields.branch),
    undo: oneOf<'abort' | 'compensate'>(fields, 'undo', undos),
  }),
  checkout: (fields) => ({
    kind: 'checkout',
    id: text(fields, 'id'),
    checkout: checkoutOf(fields.checkout),
    replyTo: addressOf(fields.replyTo),
  }),
  outcome: (fields) => ({
    kind: 'outcome',
    id: text(fields, 'id'),
    outcome: outcomeOf(fields.outcome),
  }),
  price: (fields) => ({
    kind: 'price',
    id: text(fields, 'id'),
    itemId: text(fields, 'itemId'),
    replyTo: addressOf(fields.replyTo),
  }),
  priced: (fields) => ({
    kind: 'priced',
    id: text(fields, 'id'),
    ...(fields.price === undefined ? {} : { price: whole(fields, 'price') }),
  }),
}

/** Throws Malformed. */
export function decodeMessage(value: unknown): Message {
  const fields = fieldsOf(value, 'a message')
  const { kind } = fields
  if (typeof kind !== 'string' || !Object.hasOwn(kinds, kind)) {
    throw new Malformed('kind is not one of its words')
  }
  return kinds[kind as Message['kind']](fields)
}
