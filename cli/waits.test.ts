/** What a transaction waits for, in words, for states that the protocols themselves reach. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { protocols } from '../protocol/index.ts'
import type { Branch, ProtocolName, Reply, Verb } from '../protocol/messages.ts'
import type { State } from '../protocol/protocol.ts'
import { decisionOf, memoryOf, waitsFor, waitsWhileOpen } from './waits.ts'

const branches: readonly Branch[] = [
  { service: 'order', partition: 0, entries: [{ id: '7', amount: 1 }] },
  { service: 'stock', partition: 1, entries: [{ id: '3', amount: 2 }] },
  { service: 'payment', partition: 0, entries: [{ id: '5', amount: 20 }] },
]

/** A transaction of the orchestrator's after these replies, as `service verb answer`. */
function after(name: ProtocolName, ...replies: string[]): State {
  const protocol = protocols[name]
  const checkout = { orderId: '7', branches }
  return replies.reduce((state, line) => {
    const [service, verb, answer, reason] = line.split(' ')
    const { partition } = branches.find((branch) => branch.service === service)!
    const reply = { kind: 'reply', verb, answer, service, partition } as Reply
    const transaction = state.transaction
    return protocol.on(state, {
      ...reply,
      transaction,
      ...(reason === undefined ? {} : { reason: reason as NonNullable<Reply['reason']> }),
    }).state
  }, protocol.begin('orchestrator.0.1.42', checkout).state)
}

const votes = ['order', 'stock', 'payment'].map((service) => `${service} prepare yes`)

const waits: readonly [string, State, string][] = [
  [
    'nobody has voted',
    after('2pc'),
    'waits for order partition 0, stock partition 1 and payment partition 0 to vote on prepare',
  ],
  [
    'one has not voted',
    after('2pc', 'order prepare yes', 'payment prepare yes'),
    'waits for stock partition 1 to vote on prepare',
  ],
  [
    'one has not acknowledged',
    after('2pc', ...votes, 'order commit done', 'payment commit done'),
    'waits for stock partition 1 to acknowledge commit',
  ],
  [
    'a refusal is being undone',
    after('2pc', 'stock prepare refused insufficient_stock', 'order abort done'),
    'waits for payment partition 0 to acknowledge abort',
  ],
  ['a saga begins', after('saga'), 'waits for order partition 0 to vote on prepare'],
  ['a saga executes', after('saga', 'order prepare yes'), 'waits for stock partition 1 to execute'],
  [
    'a saga pays',
    after('saga', 'order prepare yes', 'stock execute yes'),
    'waits for payment partition 0 to execute',
  ],
  [
    'a saga turns back',
    after(
      'saga',
      'order prepare yes',
      'stock execute yes',
      'payment execute refused insufficient_credit',
    ),
    'waits for stock partition 1 to acknowledge compensate, ' +
      'and for order partition 0 to acknowledge abort',
  ],
  [
    'it has committed',
    after('2pc', ...votes, ...commits('done')),
    'waits for nothing: it has committed',
  ],
  [
    'it was aborted',
    after('2pc', 'stock prepare refused unknown_item', 'order abort done', 'payment abort done'),
    'waits for nothing: it was aborted (unknown_item)',
  ],
  [
    'a branch was parked',
    after('2pc', ...votes, ...commits('parked')),
    'waits for nothing: it has committed; stock partition 1 contradicted the decision and was ' +
      'parked: look into it',
  ],
]

function commits(ofStock: string): string[] {
  return ['order commit done', `stock commit ${ofStock}`, 'payment commit done']
}

for (const [name, state, words] of waits) {
  test(`what it waits for when ${name}`, () => assert.equal(waitsFor(state), words))
}

test('an end that is not in the log yet is still awaited', () => {
  const state = after('2pc', ...votes, ...commits('done'))
  assert.equal(waitsWhileOpen(state), 'waits for the log to take its end: it has committed')
})

test('the decision in words', () => {
  assert.equal(decisionOf(after('2pc')), 'undecided')
  assert.equal(decisionOf(after('2pc', ...votes)), 'committed')
  const busy = after('2pc', 'stock prepare busy insufficient_stock')
  assert.equal(decisionOf(busy), 'aborted (busy)')
})

test('what a participant remembers, next to what its coordinator waits for', () => {
  const voted = after('2pc', ...votes)
  const record = { entries: branches[1]!.entries, generations: [1] }
  const parked: readonly Verb[] = ['commit']
  assert.equal(memoryOf(voted, 1, undefined), 'nothing yet')
  assert.equal(memoryOf(voted, 1, { ...record, state: 'prepared' }), 'prepared')
  assert.equal(
    memoryOf(voted, 1, { ...record, state: 'committed' }),
    'committed, its answer has not been heard; it is asked again',
  )
  assert.equal(
    memoryOf(voted, 1, { ...record, state: 'aborted', parked }),
    'aborted, contradicted by commit: parked',
  )
  const ended = after('2pc', ...votes, ...commits('done'))
  assert.equal(memoryOf(ended, 1, undefined), 'nothing any more')
  const local = { ...voted, transaction: 'order.0.1.42' }
  assert.equal(memoryOf(local, 0, undefined), 'decided with the log itself')
})
