/**
 * Lets one thing go wrong, once: the fault of a cell, at its point, in the transaction that it is
 * aimed at. It is told every step, and knows whether it has hit.
 */
import type { Director, Fate, Sight } from '../director.ts'
import type { SimShop } from '../shop.ts'
import type { Cell, FaultName } from './cells.ts'
import { Seen } from './seen.ts'
import type { Aim } from './shops.ts'
import type { Step } from './steps.ts'

/** Longer than an answer takes that does not wait. */
const heldMs = 150

export class AimedDirector implements Director {
  readonly #shop: SimShop
  readonly #cell: Cell
  readonly #aim: Aim
  readonly #step: Step
  readonly #kinds: readonly Sight['kind'][]
  readonly #seen = new Seen()
  /** Transactions that came to the point before the one it is aimed at. */
  readonly #spared = new Set<string>()
  #target: string | undefined
  #firedAt = 0
  #isOver = false

  constructor(shop: SimShop, cell: Cell, aim: Aim) {
    this.#shop = shop
    this.#cell = cell
    this.#aim = aim
    const { step, kinds } = aimOf(cell)
    this.#step = step
    this.#kinds = kinds
  }

  /** The point was reached and the fault happened there. */
  get isHit(): boolean {
    if (this.#target === undefined) return false
    return !this.#cell.point.isAnsweredFirst || this.#seen.of(this.#target).isAnsweredFirst
  }

  get isDone(): boolean {
    const { now } = this.#shop.world
    return this.#target !== undefined && now >= this.#firedAt + this.#aim.restMs
  }

  end(): void {
    this.#isOver = true
  }

  sees(sight: Sight): Fate | undefined {
    this.#seen.note(sight)
    const isAimed = this.#target === undefined && !this.#isOver
    if (isAimed && this.#kinds.includes(sight.kind)) {
      const transaction = this.#step(sight, this.#seen)
      if (transaction !== undefined && this.#isTarget(transaction)) {
        const fate = this.#fire(transaction, sight)
        if (fate !== undefined) return fate
      }
    }
    return this.#held(sight)
  }

  #isTarget(transaction: string): boolean {
    if (this.#spared.has(transaction)) return false
    if (this.#spared.size + 1 >= this.#aim.nth) return true
    this.#spared.add(transaction)
    return false
  }

  #fire(transaction: string, sight: Sight): Fate | undefined {
    const { world, timeline, coverage } = this.#shop
    const { fault, id } = this.#cell
    if (fault.startsWith('crash-') && !this.#crash(transaction, sight)) return undefined
    this.#target = transaction
    this.#firedAt = world.now
    coverage.add(`cell: ${fault}`)
    timeline.note(world.now, 'FAULT', () => `${id}, at ${transaction}`)
    const usual = this.#cell.point.isAnsweredFirst ? heldMs : 0
    return fateOf(fault, this.#aim, usual)
  }

  /** The instance that acts for the transaction dies, or any where none has; false without one. */
  #crash(transaction: string, sight: Sight): boolean {
    const service = this.#cell.fault.slice('crash-'.length) as 'order'
    const alive = this.#shop.instances(service)
    const acting = 'process' in sight && alive.includes(sight.process) ? sight.process : undefined
    const actor = this.#seen.actor(transaction, service)
    const name = acting ?? (actor !== undefined && alive.includes(actor) ? actor : alive[0])
    if (name === undefined) return false
    const crash = () => this.#shop.crash(name, this.#aim.downMs)
    // The answer is on its way: whoever gave it dies after it.
    if (sight.kind === 'answers') this.#shop.world.after(0, crash)
    else crash()
    return true
  }

  #held(sight: Sight): Fate | undefined {
    if (!this.#cell.point.isAnsweredFirst || this.#isOver || sight.kind !== 'sends') return
    const { message } = sight
    const isCommit = message.kind === 'command' && message.verb === 'commit'
    return isCommit ? [heldMs] : undefined
  }
}

/** Which step it waits for, in which of its sights. */
function aimOf({ point, fault }: Cell): { step: Step; kinds: readonly Sight['kind'][] } {
  const given = (step: Step | string): Step => {
    if (typeof step === 'string') throw new Error(`There is no such cell: ${step}`)
    return step
  }
  switch (fault) {
    case 'loss':
    case 'duplicate':
    case 'delay':
      return { step: given(point.message), kinds: ['sends', 'asks', 'answers'] }
    case 'storage-before':
      return { step: given(point.before), kinds: ['writing', 'reads'] }
    case 'storage-after':
      return { step: given(point.after), kinds: ['written'] }
    default:
      return { step: point.at, kinds: [point.when] }
  }
}

function fateOf(fault: FaultName, { lateMs, apartMs }: Aim, usual: number): Fate | undefined {
  switch (fault) {
    case 'loss':
      return []
    case 'duplicate':
      return [usual, usual + apartMs]
    case 'delay':
      return [usual + lateMs]
    case 'storage-before':
    case 'storage-after':
      return 'fails'
    default:
      return undefined
  }
}
