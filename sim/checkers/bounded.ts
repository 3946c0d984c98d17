/**
 * Bounded state: after a tail of quiet checkouts, which carry the newest marks everywhere,
 * participants remember none of the transactions before the tail, and each log no more ended ones
 * than it may keep.
 */
import type { Evidence } from './checker.ts'

/** Branch records of transactions that had begun before `tailFrom`. */
export function staleBranches({ shop, books, draw }: Evidence, tailFrom: number): string[] {
  const stale: string[] = []
  if (draw.config.audit) return stale
  for (const service of ['stock', 'payment', 'order'] as const) {
    for (const [key, record] of shop.databases[service].entries('branch:')) {
      const { transaction } = record as { transaction: string }
      const startedAt = books.decisions.get(transaction)?.startedAt ?? 0
      if (startedAt < tailFrom) stale.push(`${service} ${key}`)
    }
  }
  return stale
}

/** To be called after the tail, which began at `tailFrom`. */
export function checkBounded(evidence: Evidence, tailFrom: number): void {
  const { draw, shop, report } = evidence
  const stale = staleBranches(evidence, tailFrom)
  if (stale.length > 0) report('I6', `still remembered: ${stale.slice(0, 3).join(', ')}`)
  for (const service of ['order', 'orchestrator'] as const) {
    for (let partition = 0; partition < draw.config.partitions; partition++) {
      let count = 0
      for (const [, , where] of shop.databases[service].entries('log:')) {
        if (where === partition) count++
      }
      if (count > draw.config.keptDecisions + tailSlack) {
        report('I6', `${service} keeps ${count} decisions in partition ${partition}`)
      }
    }
  }
}

/** The last checkouts of the tail end together, and none drops what is beside it. */
const tailSlack = 8
