/** Requests of one key at once, here and on two instances; sweeps that fail. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemClock } from '../runtime/clock.ts'
import { ShopError } from '../runtime/errors.ts'
import { problem, type ShopAnswer, type ShopRequest, text } from '../runtime/route.ts'
import { openMemoryStorage } from '../storage/memory.ts'
import type { Storage } from '../storage/storage.ts'
import { Idempotency, type IdempotencyOptions } from './idempotency.ts'

const request: ShopRequest = {
  ...{ idempotencyKey: 'k', fingerprint: 'POST /thing' },
  ...{ parameters: {} as ShopRequest['parameters'], query: new Map() },
}
const refusal = problem('insufficient_credit', 'no')
const effect = text('done')

async function instances(count: number, overrides: Partial<IdempotencyOptions> = {}) {
  const storage = await openMemoryStorage({ partitions: 2 })
  const config = { idempotencyHours: 24, keptIdempotencyKeys: 1_000 }
  const log = { warn: () => {} }
  const options = { storage, clock: systemClock, config, log, ...overrides }
  return Array.from({ length: count }, () => new Idempotency(options))
}

test('a repeat that comes while the first one runs waits for its answer', async () => {
  const [keys] = await instances(1)
  const first = Promise.withResolvers<ShopAnswer>()
  let runs = 0
  const run = () => {
    runs++
    return first.promise
  }
  const answers = [keys!.around(request, run), keys!.around(request, run)]
  first.resolve(refusal)
  assert.deepEqual(await Promise.all(answers), [refusal, refusal])
  assert.deepEqual(await keys!.around(request, run), refusal)
  assert.equal(runs, 1)
  keys!.close()
})

test('one that failed is run again', async () => {
  const [keys] = await instances(1)
  const fails = () => Promise.reject(new Error('cut off'))
  await assert.rejects(keys!.around(request, fails), /cut off/)
  const unknown = problem('not_known_yet', 'later')
  assert.deepEqual(await keys!.around(request, async () => unknown), unknown)
  assert.deepEqual(await keys!.around(request, async () => effect), effect)
  keys!.close()
})

for (const [name, firstToEnd, lastToEnd] of [
  ['a refusal that ended first', refusal, effect],
  ['a refusal that ended last', effect, refusal],
] as const) {
  test(`on two instances an effect outweighs ${name}`, async () => {
    const [here, there] = await instances(2)
    const last = Promise.withResolvers<ShopAnswer>()
    const slow = there!.around(request, () => last.promise)
    assert.deepEqual(await here!.around(request, async () => firstToEnd), firstToEnd)
    last.resolve(lastToEnd)
    assert.deepEqual(await slow, effect)
    const unused = () => assert.fail('it is remembered')
    assert.deepEqual(await here!.around(request, unused), effect)
    for (const each of [here!, there!]) each.close()
  })
}

test('a sweep that fails is told, and ends nothing', async () => {
  let sweep = () => {}
  const told: string[] = []
  const storage = await openMemoryStorage({ partitions: 1 })
  const [keys] = await instances(1, {
    storage,
    log: { warn: (message) => void told.push(message) },
    clock: {
      ...systemClock,
      every: (_ms, run) => {
        sweep = run
        return { cancel: () => {} }
      },
    },
  })
  await storage.close()
  sweep()
  await systemClock.sleep(1)
  assert.match(told.join(), /^old idempotency keys were not dropped/)
  keys!.close()
})

test('what was done and cannot be remembered is not told as overloaded', async () => {
  const roomy = await openMemoryStorage({ partitions: 1 })
  const storage: typeof roomy = Object.create(roomy)
  const [keys] = await instances(1, { storage })
  const run = async () => {
    storage.transact = () => Promise.reject(new ShopError('overloaded', 'Too many steps wait.'))
    return effect
  }
  storage.transact = roomy.transact.bind(roomy)
  storage.read = roomy.read.bind(roomy)
  await assert.rejects(keys!.around(request, run), { code: 'not_known_yet' })
  // Nothing was done: the key could not even be claimed.
  await assert.rejects(keys!.around(request, run), { code: 'overloaded' })
  keys!.close()
})

test('a key that is answered while a sweep looks is kept', async () => {
  const storage = await openMemoryStorage({ partitions: 1 })
  const hoursMs = 3_600_000
  let wallTime = 0
  let meanwhile: (() => Promise<unknown>) | undefined
  const looked: Storage = {
    ...{ partitions: 1, read: storage.read.bind(storage), load: storage.load.bind(storage) },
    ...{ transact: storage.transact.bind(storage), close: storage.close.bind(storage) },
    async scan(partition, prefix, options) {
      const found = await storage.scan(partition, prefix, options)
      const act = meanwhile
      meanwhile = undefined
      await act?.()
      return found
    },
  }
  const clock = { ...systemClock, wallTime: () => wallTime }
  const [keys] = await instances(1, { storage: looked, clock })
  let runs = 0
  const run = async () => {
    runs++
    if (runs === 1) throw new Error('cut off')
    return effect
  }
  await assert.rejects(keys!.around(request, run), /cut off/)
  wallTime = 25 * hoursMs
  meanwhile = () => keys!.around(request, run)
  await keys!.sweep()
  assert.deepEqual(await keys!.around(request, run), effect)
  assert.equal(runs, 2)
  keys!.close()
})
