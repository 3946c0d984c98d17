import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Address, Message } from '../../protocol/messages.ts'
import { seededRandom } from '../runtime/random.ts'
import { Asker } from './asker.ts'

const config = { resendFirstMs: 100, resendMaxMs: 400 }
const patienceMs = 2_000

/** An asker whose time passes when it is told to, and what it has sent. */
async function asking() {
  let now = 0
  let tick = () => {}
  const sent: { at: number; message: Message }[] = []
  const asker = new Asker({
    bus: {
      inbox: { topic: 'inbox', partition: 3 },
      send: (_topic, _partition, message) => void sent.push({ at: now, message }),
      consume: async () => ({ close: async () => {} }),
      close: async () => {},
    },
    clock: {
      now: () => now,
      wallTime: () => 0,
      after: () => assert.fail('it has one timer for all questions'),
      every: (_ms, run) => {
        tick = run
        return { cancel: () => {} }
      },
      sleep: () => assert.fail('it does not sleep'),
    },
    random: seededRandom(1),
    config,
  })
  await asker.start()
  return {
    asker,
    sent,
    pass(ms: number) {
      for (const end = now + ms; now < end; ) {
        now += 5
        tick()
      }
    },
    ask: () => asker.ask('stock', 0, patienceMs, priceOf),
  }
}

const priceOf = (id: string, replyTo: Address): Message => ({
  ...{ kind: 'price', id, itemId: 'a', replyTo },
})
const idOf = (message: Message | undefined) => (message as { id: string }).id
const answerTo = (message: Message | undefined): Message => ({
  ...{ kind: 'priced', id: idOf(message), price: 7 },
})

test('a question is sent at once, and again until its answer is there', async () => {
  const { asker, sent, pass, ask } = await asking()
  const asked = ask()
  assert.equal(sent.length, 1)
  assert.deepEqual((sent[0]!.message as { replyTo: Address }).replyTo, {
    topic: 'inbox',
    partition: 3,
  })
  pass(1_500)
  const pauses = sent.slice(1).map(({ at }, index) => at - sent[index]!.at)
  assert(pauses.length >= 3 && pauses.length <= 6, pauses.join())
  assert(
    pauses.every((pause) => pause >= 95 && pause <= 510),
    pauses.join(),
  )
  assert.equal(new Set(sent.map(({ message }) => idOf(message))).size, 1)
  asker.receive(3, [answerTo(sent[0]!.message), answerTo(sent[0]!.message)])
  assert.deepEqual(await asked, answerTo(sent[0]!.message))
  const before = sent.length
  pass(1_500)
  assert.equal(sent.length, before)
})

test('without an answer it is not known, when patience has run out and not before', async () => {
  const { pass, ask } = await asking()
  const failures: { code?: string }[] = []
  ask().catch((error) => failures.push(error))
  pass(patienceMs - 10)
  await Promise.resolve()
  assert.equal(failures.length, 0)
  pass(10)
  await Promise.resolve()
  assert.equal(failures[0]?.code, 'not_known_yet')
})

test('an answer to a question of another asker is not taken for ours', async () => {
  const { asker, sent, pass, ask } = await asking()
  const asked = assert.rejects(ask(), { code: 'not_known_yet' })
  asker.receive(3, [{ kind: 'priced', id: 'another.1', price: 7 }])
  asker.receive(3, [sent[0]!.message])
  pass(patienceMs)
  await asked
})

test('one question too many is refused unsent, and an answer makes room', async () => {
  const { asker, sent, ask } = await asking()
  const most = 20_000
  const asked = Array.from({ length: most }, ask)
  await assert.rejects(ask(), { code: 'overloaded' })
  assert.equal(sent.length, most)
  asker.receive(3, [answerTo(sent[0]!.message)])
  await asked[0]
  const last = ask()
  const open = [...asked.slice(1), last].map((each) =>
    assert.rejects(each, { code: 'not_known_yet' }),
  )
  await asker.close()
  await Promise.all(open)
  await assert.rejects(ask(), { code: 'not_known_yet' })
})
