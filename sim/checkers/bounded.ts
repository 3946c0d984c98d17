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

/** Ended and open decisions, by log. */
export function decisionCounts({ shop }: Evidence): Map<string, number> {
  const counts = new Map<string, number>()
  for (const service of ['order', 'orchestrator'] as const) {
    for (const [, , partition] of shop.databases[service].entries('log:')) {
      const log = `${service}/${partition}`
      counts.set(log, (counts.get(log) ?? 0) + 1)
    }
  }
  return counts
}

/** To be called after the tail, which began at `tailFrom` with `before` in the logs. */
export function checkBounded(
  evidence: Evidence,
  tailFrom: number,
  before: ReadonlyMap<string, number>,
): void {
  const { draw, report } = evidence
  const stale = staleBranches(evidence, tailFrom)
  if (stale.length > 0) report('I6', `still remembered: ${stale.slice(0, 3).join(', ')}`)
  for (const [log, count] of decisionCounts(evidence)) {
    // What piled up behind a slow transaction goes some at a time, but it goes.
    if (count <= draw.config.keptDecisions + tailSlack || count < (before.get(log) ?? 0)) continue
    report('I6', `the log of ${log} keeps ${count} decisions`)
  }
}

/** The last checkouts of the tail end together, and none drops what is beside it. */
const tailSlack = 8
