/**
 * What must hold in every state of a walk, by part: a participant by itself, a transaction at its
 * coordinator, the one against the other, two transactions of one order; and what must hold where
 * nothing can happen any more. Each returns a sentence where it is broken.
 */
import type { OrderRecord } from '../../order/order.ts'
import type { BranchRecord } from '../../protocol/participant.ts'
import { shelfOf } from '../books.ts'
import type { Node } from './node.ts'
import type { Slot } from './slot.ts'

export type Broken = string | undefined

/** Nothing is oversold, and each record has changed by what its branches say, exactly once. */
export function checkNode(node: Node): Broken {
  if (node.service === 'order') return undefined
  for (const [id, record] of Object.entries(node.records)) {
    const { amount, held, generation } = shelfOf(record)!
    if (amount < 0 || held < 0 || held > amount) {
      return `oversold: ${id} has ${amount} and holds ${held}`
    }
    let wanted = node.first[id]!
    let holds = 0
    for (const { state, entries, generations, parked } of Object.values(node.branches)) {
      if (parked !== undefined) return `parked: ${parked.join()}`
      for (const [index, entry] of entries.entries()) {
        if (entry.id !== id || generations[index] !== generation) continue
        if (state === 'prepared') holds += entry.amount
        if (state === 'committed' || state === 'executed') wanted -= entry.amount
      }
    }
    if (amount !== wanted) return `not exactly once: ${id} has ${amount}, not ${wanted}`
    if (held !== holds) return `not exactly once: ${id} holds ${held}, not ${holds}`
  }
  return undefined
}

/** An answer is a promise, and a decision is one. */
export function checkSlot({ memory, log, told }: Slot): Broken {
  if (memory?.decided !== undefined && memory.decided !== log?.decided) {
    return `decided ${memory.decided}, which is not in the log`
  }
  if (told === 'committed' && log?.decided !== 'committed') {
    return 'told that it is paid, which is not in the log'
  }
  if (told === 'aborted' && log?.decided === 'committed') return 'told no, and committed'
  return undefined
}

/** A decision is never taken back. */
export function checkStep(before: Slot, after: Slot): Broken {
  const { log } = before
  if (log?.decided === undefined || after.log?.decided === log.decided) return undefined
  return `${log.decided} became ${after.log?.decided}`
}

/** One transaction at its coordinator and at one participant. */
export function checkPair(transaction: string, { log }: Slot, node: Node): Broken {
  for (const record of Object.values(node.records)) {
    const broken = checkOrder(transaction, log, record as OrderRecord)
    if (broken !== undefined) return broken
  }
  const branch = node.branches[transaction]
  if (branch?.state === 'committed' && log?.decided !== 'committed') {
    return 'a branch committed without a decision'
  }
  if (isUndone(branch) && log?.decided !== 'aborted')
    return 'a branch was undone without a decision'
  const isPart = log?.branches.some(
    ({ service, partition }) => service === node.service && partition === node.partition,
  )
  if (log === undefined || !isPart) return undefined
  const isLocal = node.service === 'order' && Object.keys(node.branches).length === 0
  if (log.decided === 'committed' && !isLocal && !isWilling(branch)) {
    return `decided to commit, but ${node.service} has it ${branch?.state}`
  }
  if (log.phase !== 'ended') return undefined
  if (branch?.state === 'prepared') return `ended, but ${node.service} has it prepared`
  if (log.decided === 'aborted' && branch?.state === 'executed') {
    return `aborted, but ${node.service} has it executed`
  }
  return undefined
}

const isUndone = (branch: BranchRecord | undefined): boolean =>
  branch?.state === 'aborted' || branch?.state === 'compensated'

const isWilling = (branch: BranchRecord | undefined): boolean =>
  branch?.state === 'prepared' || branch?.state === 'committed' || branch?.state === 'executed'

/** A paid order was paid by a transaction that committed, for the version that it has. */
function checkOrder(transaction: string, log: Slot['log'], order: OrderRecord): Broken {
  if (order.checkout === transaction && log?.phase === 'ended') return 'ended, but it has the order'
  if (order.paid !== transaction) return undefined
  if (log?.decided !== 'committed') return 'paid without a decision'
  const entry = log.branches.find(({ service }) => service === 'order')?.entries[0]
  if (entry?.amount === order.version) return undefined
  return `paid for version ${entry?.amount}, but the order is ${order.version}`
}

/** Two transactions of one order. */
export function checkTwins(one: Slot, other: Slot): Broken {
  const both = one.log?.decided === 'committed' && other.log?.decided === 'committed'
  return both ? 'two transactions of one order committed' : undefined
}

/** Nothing can happen any more: nothing is open, nothing held, no order frozen. */
export function checkEnd(slots: readonly Slot[], nodes: readonly Node[]): Broken {
  for (const { memory, log } of slots) {
    if (memory !== undefined || (log !== undefined && log.phase !== 'ended')) {
      return `stuck: a transaction is ${(memory ?? log)?.phase} and nothing will happen`
    }
    if (log?.decided === 'committed' && !nodes.some((node) => hasPaid(node, log.transaction))) {
      return 'committed, and no order is paid by it'
    }
  }
  for (const { records } of nodes) {
    for (const [id, record] of Object.entries(records)) {
      if ((shelfOf(record)?.held ?? 0) !== 0) return `${id} is held in the end`
      const { checkout } = record as OrderRecord
      if (checkout !== undefined) return `${id} is in checkout in the end`
    }
  }
  return undefined
}

const hasPaid = ({ records }: Node, transaction: string): boolean =>
  Object.values(records).some((record) => (record as OrderRecord).paid === transaction)
