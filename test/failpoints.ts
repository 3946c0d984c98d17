/**
 * Processes that die exactly at a named point (failpoints/points.ts), in the middle of load: each
 * is started again, the interrupted checkout must come to the end that the log has promised, by
 * itself, and the full check must find nothing.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Random, seededRandom } from '../lib/runtime/random.ts'
import { type Note, readNote } from './failpoints/failpoint.ts'
import { FailpointLoad } from './failpoints/load.ts'
import { type Point, pointNamed, points } from './failpoints/points.ts'
import type { Dying, RunningShop } from './running-shop.ts'
import { assertSound } from './suite.ts'
import type { Variant } from './variants.ts'

/** A shop of which the process that comes to the point can be started to die there. */
export interface MortalShop extends RunningShop {
  startToDie(failpoint: { point: string; nth: number; notePath: string }): Promise<Dying>
  /** After a death: resolves when the shop serves again, without any failpoint. */
  revive(): Promise<void>
}

export interface FailpointOptions {
  readonly seed: number
  /** A directory for the notes of those who die. */
  readonly notes: string
  /** Nobody outlives the death who would ask again: what the log does not know does not happen. */
  readonly diesWhole: boolean
}

const inRecovery = 'in recovery'
/** Which time is meant is drawn from the first so many. */
const latest = 6

/** Every point of one variant, one after the other, on one shop and its growing data. */
export function failpointSuite(
  variant: Variant,
  start: () => Promise<MortalShop>,
  options: FailpointOptions,
): void {
  test(variant.name, async (context) => {
    const running = await start()
    const walk = new Walk(running, options)
    try {
      // Whoever dies alone is brought back by others, which have recovered it before we come.
      const own = points
        .filter((each) => each.isIn(variant))
        .filter(({ name }) => name !== inRecovery || options.diesWhole)
      for (const [index, point] of own.entries()) {
        await context.test(point.name, (inner) => walk.dieAt(point, own[index + 1], inner))
      }
    } finally {
      await running.close()
    }
  })
}

interface Mortal {
  readonly dying: Dying
  readonly notePath: string
}

class Walk {
  readonly #running: MortalShop
  readonly #options: FailpointOptions
  readonly #random: Random
  readonly #load = new FailpointLoad()
  #deaths = 0
  /** Whoever runs now, if it is to die next. */
  #next: Mortal | undefined

  constructor(running: MortalShop, options: FailpointOptions) {
    this.#running = running
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  /** `next`, where there is one, may already run when this one is checked. */
  async dieAt(point: Point, next: Point | undefined, context: TestContext): Promise<void> {
    // Recovery needs something to recover: whoever begins it dies first, half-way.
    if (point.name === inRecovery) await this.#die(pointNamed('after the write: begin'))
    const note = await this.#die(point)
    context.diagnostic(`${note.service} died of ${note.transaction ?? 'it'}`)
    await this.#revive(next)
    await assertSound(this.#running, this.#load.expected)
    await this.#assertFate(point, note)
  }

  /** Where the whole shop dies, who comes next is who recovers: one start for two. */
  async #revive(next: Point | undefined): Promise<void> {
    const isNext = next !== undefined && !next.isAtStart && this.#options.diesWhole
    if (isNext) this.#next = await this.#startToDie(next)
    else await this.#running.revive()
  }

  async #startToDie(point: Point): Promise<Mortal> {
    const notePath = join(this.#options.notes, `death-${++this.#deaths}.json`)
    const nth = point.isAtStart ? 1 : 1 + this.#random.integer(latest)
    const dying = await this.#running.startToDie({ point: point.name, nth, notePath })
    return { dying, notePath }
  }

  /** Loads the shop until whoever comes to the point has died there. */
  async #die(point: Point): Promise<Note> {
    const running = this.#running
    const { dying, notePath } = this.#next ?? (await this.#startToDie(point))
    this.#next = undefined
    let isDead = false
    const death = dying.died.finally(() => {
      isDead = true
    })
    if (dying.serves && !point.isAtStart) {
      const asked = await this.#load.prepare(running.shop).then(
        (round) => {
          dying.arm()
          return this.#load.run(running.shop, round, () => isDead)
        },
        () => 0,
      )
      assert.ok(isDead || readNote(notePath), `${asked} checkouts did not come to this point`)
    }
    await death
    const note = readNote(notePath)
    assert.ok(note, 'it has died of something else')
    assert.equal(note.point, point.name)
    return note
  }

  async #assertFate({ fate }: Point, { transaction }: Note): Promise<void> {
    if (fate === undefined || transaction === undefined) return
    if (fate === 'not paid' && !this.#options.diesWhole) return
    let isPaid = false
    for await (const page of this.#running.records.pages('orders')) {
      isPaid ||= page.some(([, { paid }]) => paid === transaction)
    }
    assert.equal(isPaid ? 'paid' : 'not paid', fate, `the end of ${transaction}`)
  }
}
