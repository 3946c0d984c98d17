/**
 * Bounded state: after a tail of quiet checkouts, which carry the newest marks everywhere, participants
 * remember none of the transactions before the tail, and each log no more ended ones than it may keep.
 */
import type { Evidence } from './checker.ts'

/** To be called after the tail; `tail` are the transactions that started in it. */
export function checkBounded(evidence: Evidence, tailFrom: number): void {
  const { draw, shop, books, report } = evidence
  if (draw.config.audit) return
  const stale: string[] = []
  for (const service of ['stock', 'payment', 'order'] as const) {
    for (const [key, record] of shop.databases[service].entries('branch:')) {
      const { transaction } = record as { transaction: string }
      const startedAt = books.decisions.get(transaction)?.startedAt ?? 0
      if (startedAt < tailFrom) stale.push(`${service} ${key}`)
    }
  }
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

/** A log drops one old record for each that ends: what piled up behind a slow one goes slowly. */
const tailSlack = 80
