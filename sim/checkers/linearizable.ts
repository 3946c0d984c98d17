/**
 * Each item's units and each user's credit, as one register: what clients were told of it fits
 * one order of its operations (sim/linearizability.ts). Beyond reads.ts this holds what a change
 * told to be its own sum, and what a refusal said to be short, against all others at once.
 *
 * What transactions take and give back is put in at the moments at which the database changed;
 * under a saga that is seen by everybody. Requests with one idempotency key are one call.
 */
import { shelfOf } from '../books.ts'
import type { Change } from '../change.ts'
import { type Call, judge } from '../linearizability.ts'
import type { Operation } from '../operation.ts'
import type { Evidence, MakeChecker } from './checker.ts'
import { toldSum } from './reads.ts'

/** Longer histories of one record are not searched, and neither are more states than these. */
const mostCalls = 80
const mostStates = 5_000

const signs: Readonly<Record<string, number>> = {
  'POST /stock/add/{item_id}/{amount}': 1,
  'POST /stock/subtract/{item_id}/{amount}': -1,
  'POST /payment/add_funds/{user_id}/{amount}': 1,
  'POST /payment/pay/{user_id}/{amount}': -1,
}

export const linearizable: MakeChecker = (evidence) => {
  const effects = new Map<string, Call[]>()
  const replaced = new Set<string>()

  const note = ({ at, writes, isLoad }: Change) => {
    // The first records are loaded before time begins.
    if (isLoad && at > 0) for (const { key } of writes) replaced.add(key)
    if (!writes.some(({ key }) => key.startsWith('branch:'))) return
    for (const { key, before, after } of writes) {
      const [old, now] = [shelfOf(before), shelfOf(after)]
      if (!/^(item|user):/.test(key) || old === undefined || now === undefined) continue
      const amount = now.amount - old.amount
      if (amount === 0) continue
      const own = effects.get(key) ?? []
      const times = { calledAt: at, answeredAt: at, isOptional: false }
      own.push({ kind: 'change', amount, ...times, name: `a checkout ${amount}` })
      effects.set(key, own)
    }
  }

  return {
    onChange: note,
    atEnd() {
      const told = callsByRecord(evidence.operations)
      for (const [key, calls] of told) {
        if (replaced.has(key)) evidence.shop.coverage.add('linearizable: replaced')
        else judgeRecord(evidence, key, [...calls, ...(effects.get(key) ?? [])])
      }
    },
  }
}

function judgeRecord({ books, shop, report }: Evidence, key: string, calls: Call[]): void {
  const versions = books.shelves.get(key)
  const [first, last] = [versions?.[0]?.record, versions?.at(-1)?.record]
  if (first === undefined || last === undefined) return
  const end = { calledAt: Infinity, answeredAt: Infinity, isOptional: false, name: 'the end' }
  calls.push({ kind: 'read', amount: 0, told: last.amount, ...end })
  const isLong = calls.length > mostCalls
  const verdict = isLong ? 'not decided' : judge(calls, first.amount, mostStates)
  shop.coverage.add(`linearizable: ${verdict}`)
  if (verdict !== 'not linearizable') return
  const list = calls.map(({ name, told, calledAt, answeredAt }) => {
    return `${name}${told === undefined ? '' : ` told ${told}`} (${calledAt} to ${answeredAt})`
  })
  report('I7', `${key} began with ${first.amount} and no order fits: ${list.join('; ')}`)
}

function callsByRecord(operations: readonly Operation[]): Map<string, Call[]> {
  const calls = new Map<string, Call[]>()
  const enter = (key: string, call: Call | undefined) => {
    if (call === undefined) return
    const own = calls.get(key)
    if (own === undefined) calls.set(key, [call])
    else own.push(call)
  }
  const keyed = new Map<string, Operation[]>()
  for (const operation of operations) {
    const { item_id, user_id } = operation.parameters
    if (!(operation.route in signs) && !operation.route.startsWith('GET')) continue
    if (item_id === undefined && user_id === undefined) continue
    const key = item_id === undefined ? `user:${user_id}` : `item:${item_id}`
    if (operation.key === undefined) enter(key, callOf([operation]))
    else {
      const name = `${key} ${operation.key}`
      keyed.set(name, [...(keyed.get(name) ?? []), operation])
    }
  }
  for (const [name, repeats] of keyed) enter(name.split(' ')[0]!, callOf(repeats))
  return calls
}

/** One call of one or more repeats; undefined where it says nothing of the value. */
function callOf(repeats: readonly Operation[]): Call | undefined {
  const [first] = repeats
  const { route, id, parameters, key } = first!
  const calledAt = Math.min(...repeats.map(({ startedAt }) => startedAt))
  const done = repeats.filter(({ status }) => status === 200)
  const name = `request ${id}`
  const sign = signs[route]
  const answeredAt = Math.min(...done.map(({ endedAt }) => endedAt ?? Infinity))
  const told = key === undefined && done[0] !== undefined ? toldSum[route]?.(done[0]) : undefined
  if (sign === undefined) {
    if (told === undefined) return undefined
    return { kind: 'read', amount: 0, calledAt, answeredAt, told, isOptional: false, name }
  }
  const amount = sign * Number(parameters.amount)
  const change = { kind: 'change', amount, calledAt, name } as const
  if (done.length > 0) return { ...change, answeredAt, told, isOptional: false }
  const isUnknown = repeats.some(({ status }) => status === 0 || status >= 500)
  if (isUnknown) return { ...change, answeredAt: Infinity, isOptional: true }
  if (sign > 0 || !/^insufficient_/.test(first!.code) || key !== undefined) return undefined
  const refused = { kind: 'refused', amount: -amount, calledAt, isOptional: false, name } as const
  return { ...refused, answeredAt: first!.endedAt ?? Infinity }
}
