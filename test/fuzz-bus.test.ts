/**
 * 10,000 mutated records on the bus of a running shop, while honest clients shop: nobody crashes,
 * nothing stalls, and what no forger would get right by chance changes nothing (I1 to I6 hold).
 * `FUZZ_SEED=7 FUZZ_RUNS=100000 node --test test/fuzz-bus.test.ts` for others and for more.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import { checkShop, settled } from './checker.ts'
import type { CheckoutAnswer } from './checker-answers.ts'
import { contradictions, harmless } from './forged-messages.ts'
import { type OpenBusShop, openBusShop } from './open-bus-shop.ts'
import { assertSound, inParallel, range } from './suite.ts'
import { type Variant, variants } from './variants.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20_260)
const runs = Math.ceil(Number(process.env.FUZZ_RUNS ?? 10_000) / variants.length)
const partitions = 3
/** Of what was forged, said together: as one batch of a broker. */
const batch = 25
/** A repeated record comes this often. */
const copies = 100
const answerWithinMs = 10_000

interface Honest {
  readonly stock: Map<string, number>
  readonly credit: Map<string, number>
  readonly answers: CheckoutAnswer[]
  order(): Promise<string>
}

async function honest({ shop }: OpenBusShop, random = seededRandom(seed)): Promise<Honest> {
  const stock = new Map<string, number>()
  const credit = new Map<string, number>()
  for (const price of range(9)) stock.set(await shop.item(price + 1, 20_000), 20_000)
  for (const _ of range(9)) credit.set(await shop.user(200_000), 200_000)
  const pick = (ids: Iterable<string>) => [...ids][random.integer(9)]!
  const order = () =>
    shop.order(pick(credit.keys()), [pick(stock.keys()), 1], [pick(stock.keys()), 2])
  return { stock, credit, answers: [], order }
}

async function checkout({ shop }: OpenBusShop, { answers }: Honest, orderId: string) {
  const startedAt = systemClock.now()
  const { status } = await shop.checkout(orderId)
  const endedAt = systemClock.now()
  answers.push({ orderId, status, startedAt, endedAt })
  assert(endedAt - startedAt < answerWithinMs, `a checkout took ${endedAt - startedAt} ms`)
  return status
}

/** Says forged records, a batch at a time, each made of something that was said. */
async function attack(
  shop: OpenBusShop,
  first: number,
  make: (said: OpenBusShop['said'][number]) => fc.Arbitrary<OpenBusShop['said'][number]>,
  most: number,
): Promise<void> {
  const random = seededRandom(first)
  for (let run = 0; run < most; run++) {
    const recent = Math.min(shop.said.length, 400)
    const said = shop.said[shop.said.length - 1 - random.integer(recent)]!
    const [forged] = fc.sample(make(said), { seed: first + run, numRuns: 1 })
    const times = run % 200 === 0 ? copies : 1
    for (let time = 0; time < times; time++) shop.say(forged!)
    if (run % batch === 0) await systemClock.sleep(1)
  }
}

async function fuzz(variant: Variant): Promise<void> {
  const rejected: unknown[] = []
  const note = (reason: unknown) => void rejected.push(reason)
  process.on('unhandledRejection', note)
  const settings = { partitions: String(partitions), inquireAfterMs: '300', sweepMs: '100' }
  const running = await openBusShop(variant, settings)
  try {
    const clients = await honest(running)
    const { stock, credit, answers } = clients
    const amounts = {
      stock: (id: string) => stock.get(id),
      credit: (id: string) => credit.get(id),
      answers,
    }
    for (const _ of range(10)) await checkout(running, clients, await clients.order())
    let isOver = false
    const shopping = inParallel(4, range(4), async () => {
      while (!isOver) await checkout(running, clients, await clients.order())
    })
    await attack(running, seed, (said) => harmless(said, partitions), runs)
    isOver = true
    await shopping
    await assertSound(running, amounts)
    assert.deepEqual(running.complaints, [], 'nothing is complained of')
    assert(answers.filter(({ status }) => status === 200).length > 30, 'many are paid')

    await attack(running, seed + 1, contradictions, 500)
    for (const _ of range(partitions * 3)) {
      assert.equal(await checkout(running, clients, await clients.order()), 200, 'it goes on')
    }
    await settled(running.records, answerWithinMs)
    const differences = await checkShop(running.records, amounts)
    const unexplained = differences.filter((each) => !/has parked|parked counts/.test(each))
    assert.deepEqual(unexplained, [], 'contradictions are put aside, and nothing else')
    assert(
      differences.some((each) => each.includes('parked counts')),
      'they are counted',
    )
    assert.deepEqual(rejected, [], 'no rejection is unhandled')
  } finally {
    process.off('unhandledRejection', note)
    await running.close()
  }
}

describe(`${runs} forged records in each variant, seed ${seed}`, () => {
  for (const variant of variants) test(variant.name, () => fuzz(variant))
})
