/**
 * Breadth first over every state that can be reached, so the first way found to a broken one is a
 * shortest. In each: the invariants; in the end states: nothing is left; and from each, an end can
 * be reached without any further fault (liveness, if whatever can happen again and again does).
 */
import type { Variant } from '../draw.ts'
import { Model } from './model.ts'
import type { Scope } from './scopes.ts'

export interface Walk {
  readonly scope: string
  readonly variant: Variant
  readonly states: number
  readonly transitions: number
  /** States in which nothing needs to happen any more. */
  readonly ends: number
  /** Undefined where nothing is broken; otherwise what, and the shortest way to it. */
  readonly broken: { readonly text: string; readonly way: readonly string[] } | undefined
}

/** More would not fit into a push; a scope that grows beyond must be made smaller. */
const mostStates = 8_000_000

/** Numbers, as many as come. */
class Numbers {
  #array = new Int32Array(1_024)
  length = 0

  push(value: number): void {
    if (this.length === this.#array.length) {
      const longer = new Int32Array(this.length * 2)
      longer.set(this.#array)
      this.#array = longer
    }
    this.#array[this.length++] = value
  }

  at(index: number): number {
    return this.#array[index]!
  }
}

export class Walker {
  readonly #scope: Scope
  readonly #variant: Variant
  readonly #model: Model
  readonly #known = new Map<string, number>()
  readonly #keys: string[] = []
  readonly #parents = new Numbers()
  readonly #labels = new Numbers()
  /** What follows without a fault: those of state i begin at `#edgesFrom` i. */
  readonly #edges = new Numbers()
  readonly #edgesFrom = new Numbers()
  #transitions = 0
  #ends = 0

  constructor(scope: Scope, variant: Variant) {
    this.#scope = scope
    this.#variant = variant
    this.#model = new Model(scope, variant)
  }

  run(): Walk {
    const model = this.#model
    const state: number[] = []
    this.#reach(model.first(), -1, 0)
    for (let index = 0; index < this.#keys.length; index++) {
      decode(this.#keys[index]!, state)
      const wrong = model.checks.check(state)
      if (wrong !== undefined) return this.#result(wrong, index)
      const from = this.#edges.length
      this.#edgesFrom.push(from)
      model.successors(state, (next, isFault, label) => {
        this.#transitions++
        const reached = this.#reach(next, index, label)
        if (!isFault && reached !== index) this.#edges.push(reached)
      })
      const step = model.broken()
      if (step !== undefined) return this.#result(step, index)
      if (this.#edges.length > from) continue
      this.#ends++
      const left = model.checks.checkEnd(state)
      if (left !== undefined) return this.#result(left, index)
    }
    this.#edgesFrom.push(this.#edges.length)
    const lost = this.#withoutEnd()
    return lost < 0 ? this.#result(undefined, 0) : this.#result('no end can be reached', lost)
  }

  #reach(state: readonly number[], parent: number, label: number): number {
    const key = String.fromCharCode.apply(null, state as number[])
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const index = this.#keys.length
    if (index >= mostStates) throw new Error(`More than ${mostStates} states`)
    this.#known.set(key, index)
    this.#keys.push(key)
    this.#parents.push(parent)
    this.#labels.push(label)
    return index
  }

  /** A state from which no end can be reached; -1 where there is none. */
  #withoutEnd(): number {
    const count = this.#keys.length
    const isGood = new Uint8Array(count)
    for (let isChanged = true; isChanged; ) {
      isChanged = false
      // What follows was mostly found later.
      for (let index = count - 1; index >= 0; index--) {
        if (isGood[index] === 1 || !this.#leadsTo(isGood, index)) continue
        isGood[index] = 1
        isChanged = true
      }
    }
    return isGood.indexOf(0)
  }

  #leadsTo(isGood: Uint8Array, index: number): boolean {
    const to = this.#edgesFrom.at(index + 1)
    let edge = this.#edgesFrom.at(index)
    if (edge === to) return true
    while (edge < to) if (isGood[this.#edges.at(edge++)] === 1) return true
    return false
  }

  #result(text: string | undefined, index: number): Walk {
    const way: string[] = []
    for (let at = index; at > 0; at = this.#parents.at(at)) {
      way.unshift(this.#model.tellLabel(this.#labels.at(at)))
    }
    return {
      scope: this.#scope.name,
      variant: this.#variant,
      states: this.#keys.length,
      transitions: this.#transitions,
      ends: this.#ends,
      broken: text === undefined ? undefined : { text, way },
    }
  }
}

function decode(key: string, state: number[]): void {
  state.length = key.length
  for (let index = 0; index < key.length; index++) state[index] = key.charCodeAt(index)
}
