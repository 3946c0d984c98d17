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
      for (const point of points.filter((each) => each.isIn(variant))) {
        // Whoever dies alone is brought back by others, which have recovered it before we come.
        if (point.name === inRecovery && !options.diesWhole) continue
        await context.test(point.name, (inner) => walk.dieAt(point, inner))
      }
    } finally {
      await running.close()
    }
  })
}

class Walk {
  readonly #running: MortalShop
  readonly #options: FailpointOptions
  readonly #random: Random
  readonly #load = new FailpointLoad()
  #deaths = 0

  constructor(running: MortalShop, options: FailpointOptions) {
    this.#running = running
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  async dieAt(point: Point, context: TestContext): Promise<void> {
    // Recovery needs something to recover: whoever begins it dies first, half-way.
    if (point.name === inRecovery) await this.#die(pointNamed('after the write: begin'))
    const note = await this.#die(point)
    context.diagnostic(`${note.service} died of ${note.transaction ?? 'it'}`)
    await this.#running.revive()
    await assertSound(this.#running, this.#load.expected)
    await this.#assertFate(point, note)
  }

  /** Starts whoever comes to the point, and loads the shop until it has died there. */
  async #die(point: Point): Promise<Note> {
    const running = this.#running
    const notePath = join(this.#options.notes, `death-${++this.#deaths}.json`)
    const nth = point.isAtStart ? 1 : 1 + this.#random.integer(latest)
    const dying = await running.startToDie({ point: point.name, nth, notePath })
    let isDead = false
    const death = dying.died.finally(() => {
      isDead = true
    })
    if (dying.serves && !point.isAtStart) {
      const asked = await this.#load.prepare(running.shop).then(
        (round) => this.#load.run(running.shop, round, () => isDead),
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
