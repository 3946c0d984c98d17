/**
 * The invariants of a state as a whole, whose parts are right by themselves: each transaction
 * against each participant, transactions of one order against each other, and the end. Answers are
 * kept by the numbers of the parts, because the same pairs come again and again.
 */
import { type Broken, checkEnd, checkPair, checkTwins } from './invariants.ts'
import type { Steps } from './steps.ts'

export interface Transaction {
  readonly id: string
  readonly order: number
}

const stride = 65_536

export class StateChecks {
  readonly #steps: Steps
  readonly #transactions: readonly Transaction[]
  readonly #firstNode: number
  readonly #firstMessage: number
  readonly #pairs = new Map<number, string | null>()

  constructor(steps: Steps, transactions: readonly Transaction[]) {
    this.#steps = steps
    this.#transactions = transactions
    this.#firstNode = 1 + transactions.length
    this.#firstMessage = this.#firstNode + steps.places.length
  }

  /** What is wrong with a state as a whole, its parts being right. */
  check(state: readonly number[]): Broken {
    for (let slot = 1; slot < this.#firstNode; slot++) {
      const number = state[slot]!
      if (number === this.#steps.unbegun) continue
      const { id, order } = this.#transactions[slot - 1]!
      for (let node = this.#firstNode; node < this.#firstMessage; node++) {
        const key = ((slot * stride + number) * stride + state[node]!) * 2
        const broken = this.#pair(key, () =>
          checkPair(id, this.#steps.slot(number), this.#steps.node(state[node]!)),
        )
        if (broken !== undefined) return `${id}: ${broken}`
      }
      for (let other = slot + 1; other < this.#firstNode; other++) {
        if (this.#transactions[other - 1]!.order !== order) break
        const key = ((slot * stride + number) * stride + state[other]!) * 2 + 1
        const broken = this.#pair(key, () =>
          checkTwins(this.#steps.slot(number), this.#steps.slot(state[other]!)),
        )
        if (broken !== undefined) return broken
      }
    }
    return undefined
  }

  /** What is wrong with a state in which nothing needs to happen any more. */
  checkEnd(state: readonly number[]): Broken {
    const slots = state.slice(1, this.#firstNode).map((each) => this.#steps.slot(each))
    const nodes = state.slice(this.#firstNode, this.#firstMessage)
    return checkEnd(
      slots,
      nodes.map((each) => this.#steps.node(each)),
    )
  }

  #pair(key: number, check: () => Broken): Broken {
    let found = this.#pairs.get(key)
    if (found === undefined) {
      found = check() ?? null
      this.#pairs.set(key, found)
    }
    return found ?? undefined
  }
}
