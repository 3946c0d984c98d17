/**
 * 10,000 mutated requests at a running shop, while honest clients shop: it answers everything as
 * the contract says or closes, no 5xx but 503 with Retry-After, says nothing at level error, its
 * memory stays, and I1 to I6 hold.
 * `FUZZ_SEED=7 FUZZ_RUNS=100000 node --test test/fuzz-http.test.ts` for others and for more.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../lib/runtime/clock.ts'
import type { CheckoutAnswer } from './checker-answers.ts'
import { faultsOf } from './hostile-http.wire.ts'
import { type KnownIds, mutatedRequest } from './mutated-http.ts'
import { embeddedShop, type RestartableShop } from './running-shop.ts'
import { assertSound, inParallel, range } from './suite.ts'
import { variants } from './variants.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20_260)
const tried = variants.filter(({ name }) => name === '2pc/order' || name === 'saga/orchestrator')
const runs = Math.ceil(Number(process.env.FUZZ_RUNS ?? 10_000) / tried.length)
/** Sent before memory is first looked at: caches and compiled code are there by then. */
const warmUp = Math.ceil(runs / 5)
const atOnce = 24
const answerWithinMs = 10_000
const mostGrowth = 50 * 1_048_576
const mostFaults = 10

/** A fuzzed batch_init is to be small. */
const settings = { headersTimeoutMs: '300', requestTimeoutMs: '600', maxBatchRecords: '50' }

async function known({ shop }: RestartableShop): Promise<KnownIds> {
  const items = await inParallel(8, range(10), () => shop.item(2, 1_000))
  const users = await inParallel(8, range(10), () => shop.user(1_000))
  const orders = await inParallel(8, range(40), (index) =>
    shop.order(users[index % 10]!, [items[index % 10]!, 1]),
  )
  return { items: [...items, '0', '1'], users: [...users, '0'], orders }
}

/** Bytes of a process that are its own: not those of a database file that it has mapped. */
function memoryOf(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)?.[1]) * 1_024
}

interface Honest {
  readonly item: string
  readonly user: string
  readonly answers: CheckoutAnswer[]
  isOver: boolean
}

/** Shops one order after the other, until it is told to stop. */
async function shopOn({ shop }: RestartableShop, honest: Honest): Promise<void> {
  while (!honest.isOver) {
    const orderId = await shop.order(honest.user, [honest.item, 1])
    const startedAt = systemClock.now()
    const { status } = await shop.checkout(orderId)
    honest.answers.push({ orderId, status, startedAt, endedAt: systemClock.now() })
    await systemClock.sleep(5)
  }
}

async function attack(running: RestartableShop, ids: KnownIds, from: number, to: number) {
  const { hostname, port } = new URL(running.shop.origin)
  const target = { host: hostname, port: Number(port), answerWithinMs }
  const faults: string[] = []
  const requests = fc.sample(mutatedRequest(ids), { seed: seed + from, numRuns: to - from })
  await inParallel(atOnce, requests, async (request) => {
    if (faults.length >= mostFaults) return
    // Damaged bytes can be two requests: how many answers there are is not judged here.
    const found = (await faultsOf(request, target)).filter((each) => !/^\d+ answers$/.test(each))
    for (const fault of found)
      faults.push(`${JSON.stringify(request.name.slice(0, 300))}: ${fault}`)
  })
  assert.deepEqual(faults, [], `seed ${seed}`)
}

for (const variant of tried) {
  test(`${runs} mutated requests, seed ${seed}: ${variant.name}`, async () => {
    const running = await embeddedShop(variant, settings)
    try {
      const ids = await known(running)
      const { shop } = running
      const honest: Honest = {
        item: await shop.item(3, 100_000),
        user: await shop.user(1_000_000),
        answers: [],
        isOver: false,
      }
      const shopping = inParallel(2, range(2), () => shopOn(running, honest))
      await attack(running, ids, 0, warmUp)
      const before = memoryOf(running.pid)
      await attack(running, ids, warmUp, runs)
      honest.isOver = true
      await shopping
      await assertSound(running, {
        answers: honest.answers,
        stock: (id) => (id === honest.item ? 100_000 : undefined),
        credit: (id) => (id === honest.user ? 1_000_000 : undefined),
      })
      const now = memoryOf(running.pid)
      if (before !== undefined && now !== undefined) {
        const grown = now - before
        assert(grown < mostGrowth, `memory has grown by ${Math.round(grown / 1_048_576)} MB`)
      }
      assert(honest.answers.length > 20, 'honest clients went on')
      assert.deepEqual(
        honest.answers.filter(({ status }) => status !== 200),
        [],
        'and were served',
      )
    } finally {
      await running.close()
    }
  })
}
