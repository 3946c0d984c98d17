import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ServiceName } from '../../protocol/messages.ts'
import type { Order } from '../../protocol/protocol.ts'
import { LossDetector, type Sent } from './loss-detector.ts'

const longestPauseMs = 1_000

interface Asked extends Sent {
  readonly orders: readonly Order[]
}

const to = (service: ServiceName): Order => ({
  verb: 'prepare',
  branch: { service, partition: 0, entries: [] },
})

/** Transactions whose commands were sent one after the other, all due at 200 ms. */
function numbered(detector: LossDetector, ...services: (readonly ServiceName[])[]): Asked[] {
  return services.map((each) => {
    const number = detector.next()
    return {
      ...{ sentFirst: number, sentLast: number, resendAt: 200, resendPauseMs: 200 },
      orders: each.map(to),
    }
  })
}

/** Looks at `now`, as a coordinator does, and tells the numbers of what is sent again. */
function resend(detector: LossDetector, all: readonly Asked[], now: number): number[] {
  const due = all.filter(({ resendAt }) => now >= resendAt)
  const chosen = [...detector.choose(due, now, ({ orders }) => orders)]
  for (const [each] of chosen) {
    each.resendPauseMs = Math.min(each.resendPauseMs * 2, longestPauseMs)
    each.resendAt = now + each.resendPauseMs
    each.sentLast = detector.next()
  }
  return chosen.map(([{ sentFirst }]) => sentFirst)
}

const stock = { service: 'stock', partition: 0 } as const

test('of what a silent participant has not answered one is sent again, the latest', () => {
  const detector = new LossDetector()
  const all = numbered(detector, ['stock'], ['stock'], ['stock'])
  assert.deepEqual(resend(detector, all, 200), [3])
  assert.deepEqual(resend(detector, all, 300), [], 'one probe at a time')
  assert.deepEqual(resend(detector, all, 400), [2], 'sent less often than the third')
  assert.deepEqual(resend(detector, all, 600), [1])
  assert.deepEqual(resend(detector, all, 800), [3], 'its own pause is over')
})

test('what was sent before something that is answered is lost, and all of it sent again', () => {
  const detector = new LossDetector()
  const all = numbered(detector, ['stock'], ['stock'], ['stock'], ['stock'])
  detector.hear(stock, all[2]!)
  assert.deepEqual(resend(detector, all, 200), [1, 2, 4], 'the fourth as a probe')
  const unanswered = all.filter(({ sentFirst }) => sentFirst !== 3)
  assert.deepEqual(resend(detector, unanswered, 600), [4], 'a probe: nothing later is answered')
})

test('the answer to a probe tells of what came before it', () => {
  const detector = new LossDetector()
  const all = numbered(detector, ['stock'], ['stock'], ['stock'])
  assert.deepEqual(resend(detector, all, 200), [3])
  detector.hear(stock, all[2]!)
  assert.deepEqual(resend(detector, all.slice(0, 2), 300), [1, 2])
})

test('each participant is judged by its own answers, and asked for what it owes only', () => {
  const detector = new LossDetector()
  const all = numbered(detector, ['stock', 'payment'], ['payment'])
  detector.hear({ service: 'payment', partition: 0 }, all[1]!)
  const chosen = detector.choose(all.slice(0, 1), 200, ({ orders }) => orders)
  assert.deepEqual(chosen.get(all[0]!), [to('payment'), to('stock')], 'a loss and a probe')
  const later = numbered(detector, ['stock', 'payment'])
  const again = detector.choose(later, 210, ({ orders }) => orders)
  assert.deepEqual(again.get(later[0]!), [to('payment')], 'stock has its probe already')
})

test('of a thousand that are lost no tick sends more than 64 again, and each gets its turn', () => {
  const detector = new LossDetector()
  const all = numbered(detector, ...Array.from({ length: 1_000 }, () => ['stock'] as const))
  detector.hear(stock, numbered(detector, ['stock'])[0]!)
  const seen = new Set<number>()
  for (let now = 200; now < 600; now += 25) {
    const resent = resend(detector, all, now)
    assert.ok(resent.length <= 64, `${resent.length} at ${now} ms`)
    for (const each of resent) seen.add(each)
  }
  assert.equal(seen.size, 1_000)
})

test('an answer to the last sending tells more than one to the first', () => {
  for (const [sent, lost] of [
    [undefined, [2]],
    [1, [2]],
    [99, [2]],
    [5, [3, 2]],
  ] as const) {
    const detector = new LossDetector()
    const all = numbered(detector, ['stock'], ['stock'], ['stock'])
    resend(detector, all.slice(2), 200)
    resend(detector, all.slice(0, 1), 400)
    assert.equal(all[0]!.sentLast, 5)
    detector.hear({ ...stock, sent }, all[0]!)
    assert.deepEqual(resend(detector, all.slice(1), 700).toSorted().toReversed(), lost, `${sent}`)
  }
})

const tickMs = 25

test('what was probed while a participant was away ends soon after its return', () => {
  const detector = new LossDetector()
  const open = new Set(numbered(detector, ...Array.from({ length: 250 }, () => ['stock'] as const)))
  const [awayMs, returnedMs] = [60_000, 1_000]
  let now = 200
  for (; now < awayMs; now += tickMs) resend(detector, [...open], now)
  for (; open.size > 0 && now < awayMs + returnedMs; now += tickMs) {
    const again = new Set(resend(detector, [...open], now))
    for (const each of open) {
      if (!again.has(each.sentFirst)) continue
      detector.hear({ ...stock, sent: each.sentLast }, each)
      open.delete(each)
    }
  }
  assert.equal(open.size, 0, `open ${returnedMs} ms after the return`)
})

test('a slow participant that answers all in the end hears little twice', () => {
  const detector = new LossDetector()
  const open = numbered(detector, ...Array.from({ length: 2_000 }, () => ['stock'] as const))
  const commands = open.length
  const answeredATick = 5
  let resent = 0
  for (let now = 200; open.length > 0; now += tickMs) {
    resent += resend(detector, open, now).length
    for (const each of open.splice(0, answeredATick)) {
      detector.hear({ ...stock, sent: each.sentFirst }, each)
    }
  }
  assert.ok(resent <= commands / 10, `${resent} of ${commands}`)
})
