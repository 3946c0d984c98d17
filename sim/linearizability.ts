/**
 * Whether a history of one register of units (or credit) is linearizable: whether there is an order
 * of its operations, each at one moment between its call and its answer, in which every answer is
 * right. The search is Wing and Gong's (1993) with Lowe's memory (2017): a set of operations done
 * and a value are visited once. Pure.
 */
export interface Call {
  /** `change` adds (or takes, below zero); `refused` says that so much was not there. */
  readonly kind: 'change' | 'refused' | 'read'
  /** What is added or, for `refused`, was asked for; nothing for a read. */
  readonly amount: number
  readonly calledAt: number
  /** Infinity where no answer came. */
  readonly answeredAt: number
  /** The value afterwards, as the answer told it; undefined where it tells none. */
  readonly told?: number | undefined
  /** No answer came: it may have happened at any time since, or never. */
  readonly isOptional: boolean
  readonly name: string
}

export type Verdict = 'linearizable' | 'not linearizable' | 'not decided'

/** The value after `call`, or undefined where it cannot happen at this value. */
function after(call: Call, value: number): number | undefined {
  if (call.kind === 'refused') return value < call.amount ? value : undefined
  const next = value + call.amount
  if (next < 0 || (call.told !== undefined && call.told !== next)) return undefined
  return next
}

/** `mostStates` bounds the search; beyond it nothing is claimed. */
export function judge(calls: readonly Call[], first: number, mostStates: number): Verdict {
  const ordered = calls.toSorted((a, b) => a.answeredAt - b.answeredAt || a.calledAt - b.calledAt)
  const seen = new Set<string>()
  const all = ordered.reduce(
    (mask, call, index) => (call.isOptional ? mask : mask | (1n << BigInt(index))),
    0n,
  )

  const candidates = (done: bigint): number[] => {
    let firstAnswer = Infinity
    const found: number[] = []
    for (const [index, call] of ordered.entries()) {
      if ((done >> BigInt(index)) & 1n) continue
      // Sorted by their answers: nothing from here on can come before that one has happened.
      if (call.calledAt <= firstAnswer) found.push(index)
      if (!call.isOptional) firstAnswer = Math.min(firstAnswer, call.answeredAt)
    }
    return found
  }

  const stack: { done: bigint; value: number }[] = [{ done: 0n, value: first }]
  for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
    const { done, value } = state
    if ((done & all) === all) return 'linearizable'
    if (seen.size >= mostStates) return 'not decided'
    for (const index of candidates(done).reverse()) {
      const next = after(ordered[index]!, value)
      if (next === undefined) continue
      const reached = { done: done | (1n << BigInt(index)), value: next }
      const name = `${reached.done.toString(36)} ${next}`
      if (seen.has(name)) continue
      seen.add(name)
      stack.push(reached)
    }
  }
  return 'not linearizable'
}
