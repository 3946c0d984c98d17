/**
 * Looks at a shop, again and again, while it is being broken: how many checkouts are in doubt, and
 * what its processes use. What cannot be asked now is left out.
 */
import { readdirSync } from 'node:fs'
import { type Clock, systemClock } from '../../lib/runtime/clock.ts'
import type { InternalOrigins } from '../../test/http-records.ts'
import { usageOf } from '../usage.ts'
import type { ChaosShop } from './shops.ts'

/** One look; times are from the start of the load. */
export interface Look {
  readonly atMs: number
  /** Open for longer than a checkout takes; undefined where a coordinator did not answer. */
  readonly inDoubt: number | undefined
}

export interface Used {
  readonly atMs: number
  readonly name: string
  readonly pid: number
  readonly ownBytes: number
  readonly descriptors: number
}

const everyMs = 500
const usageEveryMs = 5_000
const withinMs = 1_000
/** An open checkout that is older waits for something that is not there. */
const usualMs = 1_000

export class ChaosWatch {
  readonly looks: Look[] = []
  readonly used: Used[] = []
  readonly #shop: ChaosShop
  readonly #clock: Clock
  readonly #startedAt: number
  #isOver = false
  #done: Promise<unknown> = Promise.resolve()

  constructor(shop: ChaosShop, clock: Clock = systemClock) {
    this.#shop = shop
    this.#clock = clock
    this.#startedAt = clock.now()
  }

  start(): void {
    this.#done = Promise.all([
      this.#repeat(everyMs, async (atMs) => {
        const internal = this.#shop.target.internalOrigin as InternalOrigins
        this.looks.push({ atMs, inDoubt: await inDoubt(internal) })
      }),
      this.#repeat(usageEveryMs, async (atMs) => this.#look(atMs)),
    ])
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#done
  }

  async #repeat(pauseMs: number, work: (atMs: number) => Promise<void>): Promise<void> {
    while (!this.#isOver) {
      await work(this.#clock.now() - this.#startedAt).catch(() => {})
      await this.#clock.sleep(pauseMs)
    }
  }

  #look(atMs: number): void {
    for (const { name } of this.#shop.parts) {
      const pid = this.#shop.pidOf(name)
      const usage = pid === undefined ? undefined : usageOf(pid)
      if (pid === undefined || usage === undefined) continue
      const descriptors = readdirSync(`/proc/${pid}/fd`).length
      this.used.push({ atMs, name, pid, ownBytes: usage.ownBytes, descriptors })
    }
  }
}

async function inDoubt(internal: InternalOrigins): Promise<number | undefined> {
  const asked = (['order', 'orchestrator'] as const).flatMap((service) =>
    internal[service].map(async (origin) => {
      const signal = AbortSignal.timeout(withinMs)
      const answer = await fetch(`${origin}/internal/${service}/open`, { signal })
      const { open } = (await answer.json()) as { open: readonly { ageMs: number }[] }
      return open.filter(({ ageMs }) => ageMs > usualMs).length
    }),
  )
  const counts = await Promise.all(asked).catch(() => undefined)
  return counts?.reduce((sum, each) => sum + each, 0)
}
