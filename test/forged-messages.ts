/**
 * Messages that nobody of the shop would send, made of those that were sent: repeated, to the wrong
 * place, of another transaction, with amounts, marks, answers and ids that cannot be.
 *
 * The bus is trusted, so a forger who gets everything right can change data. `harmless` are those
 * that must do nothing at all; `contradictions` are of transactions that have ended and say
 * something else of them: put aside at most.
 */
import fc from 'fast-check'
import type { Branch, Entry, Message, Reply, Topic } from '../protocol/messages.ts'
import type { Said } from './open-bus-shop.ts'

/** A message with anything in it: what its fields hold is the point. */
type Loose = Record<string, unknown>
const forge = (said: Said, change: Loose): Said => ({
  ...said,
  message: { ...(said.message as unknown as Loose), ...change } as unknown as Message,
})

const topics: readonly Topic[] = [
  'stock',
  'payment',
  'order',
  'order-coordinator',
  'orchestrator',
  'inbox',
]

const badIds = ['', '..', 'a:b', '\u0000', '{x}', 'item:0', 'x'.repeat(8_192), 'é', ' ']
const badAmounts = [-1, -(2 ** 53), 0.5, Number.NaN, Infinity, 2 ** 53, 1e300]
const badMarks = ['', '~', 'zzzz', '0', 'a1', 'a1a01', 'x'.repeat(1_000)]
const badTransactions = ['', 'order', 'order.0.1', 'stock.0.1.1', 'order.-1.1.1', 'order.0.01.1']
/** Far beyond anything that a shop of a test has begun. */
const future = { mark: 'c999c999', epoch: 999 }

const anyOf = <T>(values: readonly T[]) => fc.constantFrom(...values)

function withEntry(branch: Branch, change: Partial<Entry>): Branch {
  const [first, ...rest] = branch.entries
  return { ...branch, entries: [{ ...first!, ...change }, ...rest] }
}

/** What can be wrong with a command so that it must not be obeyed. */
function badCommand(said: Said, partitions: number): fc.Arbitrary<Said> {
  const { message } = said
  if (message.kind !== 'command') return fc.constant(said)
  const { branch, transaction } = message
  const elsewhere = fc.integer({ min: 0, max: partitions + 2 })
  return fc.oneof(
    anyOf(badIds).map((id) => forge(said, { branch: withEntry(branch, { id }) })),
    anyOf(badAmounts).map((amount) => forge(said, { branch: withEntry(branch, { amount }) })),
    anyOf(badMarks).map((mark) => forge(said, { mark })),
    fc.constant(forge(said, { mark: future.mark })),
    anyOf(badTransactions).map((id) => forge(said, { transaction: id })),
    fc.constant(forge(said, { branch: { ...branch, entries: [] } })),
    fc.constant(
      forge(said, { branch: { ...branch, entries: [...branch.entries, branch.entries[0]] } }),
    ),
    elsewhere
      .filter((partition) => partition !== branch.partition)
      .map((partition) => ({ ...said, partition })),
    elsewhere
      .filter((partition) => partition !== branch.partition)
      .map((partition) => forge(said, { branch: { ...branch, partition } })),
    anyOf(topics)
      .filter((topic) => topic !== said.topic)
      .map((topic) => ({ ...said, topic })),
    // Nobody has begun these yet: what ends them leaves a tombstone and nothing else.
    fc.constant(
      forge(said, {
        verb: branch.service === 'order' ? 'abort' : 'compensate',
        transaction: transaction.replace(/\.\d+\.([1-9]\d*)$/, `.${future.epoch}.$1`),
      }),
    ),
  )
}

/** Replies that nobody waits for: of those who have no part in it, to what was not asked. */
function badReply(said: Said, partitions: number): fc.Arbitrary<Said> {
  const { message } = said
  if (message.kind !== 'reply') return fc.constant(said)
  const { verb } = message
  const answers: Reply['answer'][] = ['yes', 'refused', 'busy', 'done', 'parked']
  const other = verb === 'execute' || verb === 'compensate' ? 'commit' : 'execute'
  const lost = message.service === 'order' ? { partition: partitions + 1 } : { verb: other }
  return fc.oneof(
    anyOf(answers).map((answer) => forge(said, { answer, service: 'orchestrator' })),
    anyOf(answers).map((answer) => forge(said, { answer, partition: partitions + 7 })),
    anyOf(answers).map((answer) => forge(said, { answer, ...lost })),
    anyOf(badTransactions).map((transaction) => forge(said, { transaction })),
    fc.constant(forge(said, { answer: 'done', verb: 'prepare', partition: -1 })),
    fc.integer({ min: 0, max: partitions + 1 }).map((partition) => ({
      ...forge(said, { service: 'nobody' }),
      partition,
    })),
  )
}

/** Questions about what is not the asker's, to who cannot know. */
function badInquiry(said: Said, partitions: number): fc.Arbitrary<Said> {
  const { message } = said
  if (message.kind !== 'command') return fc.constant(said)
  const { transaction, branch } = message
  const [home, partition] = transaction.split('.')
  const ask = (change: Loose, at = Number(partition)): Said => ({
    topic: home === 'order' ? 'order-coordinator' : 'orchestrator',
    partition: at,
    message: { kind: 'inquiry', transaction, branch, undo: 'abort', ...change } as Message,
  })
  const undo = fc.constantFrom('abort', 'compensate')
  return fc.oneof(
    undo.map((each) => ask({ undo: each, branch: { ...branch, partition: partitions + 3 } })),
    undo.map((each) => ask({ undo: each, branch: { ...branch, service: 'inbox' } })),
    undo.map((each) => ask({ undo: each, transaction: `${home}.${partition}.1.0` })),
    undo.map((each) => ask({ undo: each }, (Number(partition) + 1) % partitions)),
    anyOf(badAmounts).map((amount) => ask({ branch: withEntry(branch, { amount }) })),
    anyOf(badTransactions).map((id) => ask({ transaction: id })),
    fc.constant(ask({ transaction: `${home}.${partition}.${future.epoch}.1` })),
  )
}

/** Requests for checkouts that are none, and for prices of nothing. */
function badRequest(said: Said, partitions: number): fc.Arbitrary<Said> {
  const { message } = said
  if (message.kind === 'checkout') {
    const { checkout } = message
    const { branches } = checkout
    const change = (next: Loose) =>
      forge(said, { id: 'forged', checkout: { ...checkout, ...next } })
    return fc.oneof(
      fc.constant(change({ branches: branches.filter(({ service }) => service !== 'order') })),
      fc.constant(change({ branches: branches.filter(({ service }) => service !== 'payment') })),
      fc.constant(change({ branches: [...branches, branches.at(-1)] })),
      fc.constant(change({ branches: [] })),
      anyOf(badAmounts).map((amount) =>
        change({ branches: branches.map((branch) => withEntry(branch, { amount })) }),
      ),
      anyOf(badIds).map((orderId) => change({ orderId })),
      fc.constant({ ...change({}), partition: (said.partition + 1) % partitions }),
      fc.constant(forge(said, { id: 'forged', replyTo: { topic: 'stock', partition: -1 } })),
    )
  }
  if (message.kind !== 'price') return fc.constant(said)
  return fc.oneof(
    anyOf(badIds).map((itemId) => forge(said, { itemId })),
    fc.constant(forge(said, { replyTo: { topic: 'order', partition: 99 } })),
    fc.constant(forge(said, { replyTo: { topic: 'nowhere', partition: 0 } })),
  )
}

/** Answers to questions that nobody asked. */
function badAnswer(said: Said): fc.Arbitrary<Said> {
  const outcome = { kind: 'committed', transaction: 'order.0.1.1' }
  return fc.oneof(
    fc.string().map((id): Said => {
      const message = { kind: 'outcome', id, outcome } as Message
      return { topic: 'inbox', partition: 0, message }
    }),
    fc.string().map((id): Said => {
      const message = { kind: 'priced', id, price: -1 } as Message
      return { topic: 'inbox', partition: 0, message }
    }),
    fc.constant({ ...said, topic: 'inbox' as const, partition: 0 }),
  )
}

/** Something made of what was said that must change nothing. */
export function harmless(said: Said, partitions: number): fc.Arbitrary<Said> {
  const bad = {
    command: fc.oneof(badCommand(said, partitions), badInquiry(said, partitions)),
    reply: badReply(said, partitions),
    inquiry: fc.constant(said),
    checkout: badRequest(said, partitions),
    price: badRequest(said, partitions),
    outcome: badAnswer(said),
    priced: badAnswer(said),
  }[said.message.kind]
  return fc.oneof({ weight: 4, arbitrary: bad }, { weight: 1, arbitrary: fc.constant(said) })
}

/** Something else about a transaction that has ended. */
export function contradictions(said: Said): fc.Arbitrary<Said> {
  const { message } = said
  if (message.kind !== 'command') return fc.constant(said)
  return fc.oneof(
    fc
      .constantFrom('prepare', 'commit', 'abort', 'execute', 'compensate')
      // Compensating is what may be done to a branch that has executed: a forger is right there.
      .filter((verb) => verb !== 'compensate' || message.verb !== 'execute')
      .map((verb) => forge(said, { verb })),
    fc.integer({ min: 1, max: 9 }).map((more) => {
      const amount = message.branch.entries[0]!.amount + more
      return forge(said, { branch: withEntry(message.branch, { amount }) })
    }),
  )
}
