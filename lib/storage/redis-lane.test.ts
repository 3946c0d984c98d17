import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Clock } from '../runtime/clock.ts'
import type { ShopError } from '../runtime/errors.ts'
import { Histogram, sizeBounds } from '../runtime/metric.ts'
import type { LossWatch } from './loss-watch.ts'
import { type RedisCommand, type RedisConnection, RedisRefusal } from './redis-client.ts'
import type { Unit } from './redis-group.ts'
import { RedisLane } from './redis-lane.ts'
import type { RedisLink } from './redis-link.ts'
import type { Draft } from './storage.ts'

const limitMs = 1_000
const answerMs = 10
const mostAsked = 1_000

/** Time passes while a server answers and while a lane sleeps; nothing happens by itself. */
class StillClock implements Clock {
  #now = 0

  now(): number {
    return this.#now
  }

  wallTime(): number {
    return this.#now
  }

  after() {
    return { cancel: () => {} }
  }

  every() {
    return { cancel: () => {} }
  }

  async sleep(ms: number): Promise<void> {
    this.#now += ms
  }
}

type Answer = (command: RedisCommand, count: number) => unknown

/** A lane whose server gives these answers, and says that so many replicas have each group. */
function laneOn(answer: Answer, waitReplicas = 0, copies = 0) {
  const clock = new StillClock()
  const sent: RedisCommand[] = []
  const connection: RedisConnection = {
    address: 'here',
    ended: new Promise(() => {}),
    end: () => {},
    send: async ([command]) => {
      await clock.sleep(answerMs)
      assert.ok(sent.length < mostAsked, 'it is asked for ever')
      return [answer(command!, sent.push(command!)), copies]
    },
  }
  const left: { why: string; at: number }[] = []
  const link = {
    connection,
    leave: (_: RedisConnection, why: string) => void left.push({ why, at: clock.now() }),
  }
  const count: ReturnType<LossWatch['countingIn']> = {
    keys: ['!count'],
    step: (draft: Draft) => {
      draft.put('!count', 1)
      return { found: 0, acknowledged: 0 }
    },
    resolve: () => {},
    reject: () => {},
  }
  const lane = new RedisLane({
    link: link as RedisLink,
    script: { text: '', sha: '' },
    clock,
    partition: 0,
    servers: 1,
    waitReplicas,
    waitMs: 0,
    answerWithinMs: limitMs,
    stats: { steps: 0, writes: 0 },
    groups: new Histogram(sizeBounds),
    watch: { countingIn: () => count } as unknown as LossWatch,
    server: 'here',
  })
  const add = (kind: Pick<Unit & { kind: 'step' }, 'kind' | 'keys' | 'step'>) =>
    new Promise<unknown>((resolve, reject) => {
      lane.add({ partition: 0, giveUpAt: clock.now() + limitMs, resolve, reject, ...kind })
    })
  const raise = () =>
    add({
      kind: 'step',
      keys: ['a'],
      step: (draft) => draft.put('a', (draft.get<number>('a') ?? 0) + 1),
    })
  return { clock, sent, left, add, raise }
}

/** How many changes the first partition of a command has. */
const changesOf = ([, args]: RedisCommand) => Number(args[2 + Number(args[1]) + 1])

describe('redis: a server that takes no writes', () => {
  const sorts = async (text: string) => {
    const { add, raise } = laneOn((command) => [changesOf(command) > 0 ? text : 1])
    const remove = () => add({ kind: 'step', keys: ['b'], step: (draft) => draft.delete('b') })
    const see = () => add({ kind: 'step', keys: ['c'], step: (draft) => draft.get('c') ?? 'none' })
    return (await Promise.allSettled([raise(), see(), remove(), see()])).map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value : (outcome.reason as ShopError).code,
    )
  }

  test('for want of a disk: what writes is refused, what reads is answered', async () => {
    const refused = 'storage_full'
    assert.deepEqual(await sorts('MISCONF Errors writing'), [refused, 'none', refused, 'none'])
  })

  test('for want of replicas: what writes waits, what reads is answered', async () => {
    const refused = 'storage_unavailable'
    assert.deepEqual(await sorts('NOREPLICAS Not enough'), [refused, 'none', refused, 'none'])
  })
})

describe('redis: a server that has no replicas is left after a second', () => {
  test('where it takes no writes for that', async () => {
    const { clock, left, raise } = laneOn((command) => {
      return [changesOf(command) > 0 ? 'NOREPLICAS Not enough good replicas.' : 1]
    })
    await assert.rejects(raise(), /NOREPLICAS/)
    while (clock.now() < 3_500) await raise().catch(() => {})
    assert.ok(left.length >= 2 && left.length <= 3, `${left.length} times`)
    assert.ok(left[0]!.at >= 1_000 && left[0]!.at <= 1_100, `at ${left[0]!.at}`)
    assert.equal(left[0]!.why, 'NOREPLICAS Not enough good replicas')
  })

  test('where WAIT finds none, but not if it does now and then', async () => {
    const never = laneOn(() => [1], 1, 0)
    const always = laneOn(() => [1], 1, 1)
    for (const { clock, raise } of [never, always]) {
      while (clock.now() < 1_500) await raise().catch(() => {})
    }
    assert.deepEqual(
      never.left.map(({ why }) => why),
      ['only 0 replicas have it'],
    )
    assert.deepEqual(always.left, [])
  })

  test('at once where it says that another has to be asked', async () => {
    const { left, raise } = laneOn((_, count) => [count === 1 ? 'READONLY You can not' : 1])
    await raise()
    assert.deepEqual(left, [{ why: 'READONLY You can not', at: answerMs }])
  })
})

describe('redis: no step waits longer than its own limit', () => {
  test('at a server that says "later" again and again; the error says what it said', async () => {
    const { clock, sent, raise } = laneOn(() => ['NOREPLICAS Not enough good replicas to write.'])
    await assert.rejects(raise(), (error: ShopError) => {
      assert.equal(error.code, 'storage_unavailable')
      return /NOREPLICAS Not enough/.test(error.message)
    })
    assert.ok(sent.length > 10, `asked ${sent.length} times`)
    assert.ok(clock.now() <= limitMs + 100, `${clock.now()} ms`)
  })

  test('nor where all that the script says is "later"', async () => {
    const { clock, raise } = laneOn(() => new RedisRefusal('BUSY Redis is busy running a script.'))
    await assert.rejects(raise(), /BUSY Redis is busy/)
    assert.ok(clock.now() <= limitMs + 100, `${clock.now()} ms`)
  })

  test('where others change what it reads each time before it', async () => {
    // Step 1 did not happen, because the first record is another by now.
    const { clock, sent, raise } = laneOn((_, count) => [[2, 1, 2, 1, String(count)]])
    await assert.rejects(raise(), /not this step’s turn in time/)
    assert.ok(sent.length > 10, `asked ${sent.length} times`)
    assert.ok(clock.now() <= limitMs + 100, `${clock.now()} ms`)
  })
})
