/**
 * The main job: a shop started by the README's line, filled over HTTP, checked out at random by
 * many clients at once, killed with `kill -9` and started again several times on the way; at the
 * end nothing may be missing, double or left behind, for any single transaction (I1 to I6).
 *
 * Units and credit are scarce, so that checkouts are refused for both reasons, and repeated after a
 * refusal. From the command line: endurance.ts. Next: endurance-clients.ts.
 */
import { systemClock } from '../lib/runtime/clock.ts'
import { seededRandom } from '../lib/runtime/random.ts'
import { checkShop, settled } from '../test/checker.ts'
import { type CheckoutAnswer, promised } from '../test/checker-answers.ts'
import { httpRecords } from '../test/http-records.ts'
import { type ClientsResult, runClients } from './endurance-clients.ts'
import type { Progress } from './progress.ts'
import { ShopUnderTest, withDataDirectory } from './shop-under-test.ts'
import { fill } from './workload.ts'

export interface EnduranceSettings {
  items: number
  users: number
  orders: number
  stock: number
  credit: number
  price: number
  checkouts: number
  clients: number
  kills: number
  seed: number
  port: number
}

/** Each user can pay for one order, and of two orders for an item only one can have it. */
export const mainJob: Readonly<EnduranceSettings> = {
  items: 100_000,
  users: 100_000,
  orders: 100_000,
  stock: 1,
  credit: 10,
  price: 5,
  checkouts: 50_000,
  clients: 256,
  kills: 3,
  seed: 1,
  port: 0,
}

export interface EnduranceResult {
  readonly variant: string
  readonly settings: Readonly<EnduranceSettings>
  /** Answers by what they promise. */
  readonly paid: number
  readonly refused: number
  readonly notKnown: number
  /** Orders that were asked for more than once. */
  readonly repeated: number
  readonly reads: number
  readonly elapsedMs: number
  /** From each kill until the shop answered again. */
  readonly restartMs: readonly number[]
  /** From the last answer until nothing was open or held (I5). */
  readonly restMs: number
  readonly differences: readonly string[]
}

/** I5, after a restart of the process. */
const restWithinMs = 5_000

export function endure(
  variant: string,
  settings: Readonly<EnduranceSettings>,
  progress: Progress,
): Promise<EnduranceResult> {
  return withDataDirectory(async (data) => {
    const { port } = settings
    const shop = new ShopUnderTest({ variant, data, port, settings: { AUDIT: 'true' } })
    await shop.start()
    const { origin } = shop.target
    const random = seededRandom(settings.seed)
    await fill(
      { ...settings, mix: 'uniform', hotItems: 0, zipfExponent: 0 },
      {
        origin,
        random,
        connections: 1,
        onProgress: (made, of) => progress.show('fill', made / of),
      },
    )
    const killer = new Killer(shop, settings)
    const startedAt = systemClock.now()
    const told = await runClients({
      ...{ ...settings, origin, random, clock: systemClock },
      onAnswer(answers) {
        killer.look(answers)
        if (answers % 100 === 0) progress.show('checkouts', answers / settings.checkouts)
      },
    })
    const endedAt = systemClock.now()
    const restartMs = await killer.done()
    progress.show('check', 1)
    const found = await checked(shop, settings, told)
    await shop.stop()
    return {
      ...{ variant, settings, restartMs, reads: told.reads, elapsedMs: endedAt - startedAt },
      ...counted(told.answers),
      ...found,
    }
  })
}

/** Kills the shop and starts it again when its share of the answers has come. */
class Killer {
  readonly #shop: ShopUnderTest
  readonly #moments: number[]
  readonly #restarts: Promise<number>[] = []

  constructor(shop: ShopUnderTest, { kills, checkouts }: EnduranceSettings) {
    this.#shop = shop
    this.#moments = Array.from({ length: kills }, (_, index) =>
      Math.round(((index + 1) * checkouts) / (kills + 1)),
    )
  }

  look(answers: number): void {
    if (answers < (this.#moments[0] ?? Infinity)) return
    this.#moments.shift()
    this.#restarts.push(this.#restart(this.#restarts.at(-1)))
  }

  /** How long each restart has taken, from the kill to the first answer. */
  done(): Promise<number[]> {
    return Promise.all(this.#restarts)
  }

  async #restart(before: Promise<number> | undefined): Promise<number> {
    await before
    const from = systemClock.now()
    await this.#shop.kill()
    await this.#shop.start()
    return systemClock.now() - from
  }
}

async function checked(
  shop: ShopUnderTest,
  { stock, credit }: EnduranceSettings,
  { answers, differences }: ClientsResult,
): Promise<Pick<EnduranceResult, 'restMs' | 'differences'>> {
  const records = httpRecords(shop.target.internalOrigin!)
  try {
    const from = systemClock.now()
    await settled(records, restWithinMs)
    const restMs = systemClock.now() - from
    const found = await checkShop(records, {
      stock: () => stock,
      credit: () => credit,
      answers,
    })
    return { restMs, differences: [...differences, ...found] }
  } finally {
    await records.close()
  }
}

function counted(answers: readonly CheckoutAnswer[]) {
  const told = answers.map(({ status }) => promised(status))
  const count = (what: (typeof told)[number]) => told.filter((each) => each === what).length
  const orders = new Set(answers.map(({ orderId }) => orderId))
  return {
    paid: count('paid'),
    refused: count('not paid'),
    notKnown: count('not known'),
    repeated: answers.length - orders.size,
  }
}
