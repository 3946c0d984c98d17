/**
 * What a shop has counted since its processes started, added up over all of them from their
 * /metrics, and what one checkout of a run has cost by it.
 */
import { eachOrigin } from '../test/http-records.ts'
import type { Target } from './shop-under-test.ts'
import { type Usage, usageOfAll } from './usage.ts'

/** Counters of docs/OPERATING.md whose rise during a run is told for each checkout. */
const counted = {
  durableWrites: 'till_storage_writes_total',
  steps: 'till_storage_steps_total',
  redisCommands: 'till_redis_commands_total',
  redisBytes: 'till_redis_sent_bytes_total',
  kafkaRecords: 'till_bus_sent_records_total',
  kafkaBytes: 'till_bus_sent_bytes_total',
} as const

type Counted = keyof typeof counted

const names = Object.keys(counted) as readonly Counted[]

/** Absent: nothing of it was counted, as without Redis, or it could not be asked for. */
export type Costs = Partial<Record<Counted | 'cpuMicros' | 'writtenBytes', number>>

export interface Sample {
  readonly counters: Partial<Record<Counted, number>>
  readonly usage: Usage | undefined
}

/** What is known of the shop now; an origin that does not answer rejects. */
export async function sampleOf({ internalOrigin, pids }: Target): Promise<Sample> {
  const usage = usageOfAll(pids)
  const all = internalOrigin === undefined ? [] : eachOrigin(internalOrigin)
  const pages = await Promise.all(
    all.map(async (origin) => (await fetch(`${origin}/metrics`)).text()),
  )
  const counters: Partial<Record<Counted, number>> = {}
  for (const name of names) {
    const values = pages.flatMap((page) => valuesOf(page, counted[name]))
    if (values.length > 0) counters[name] = values.reduce((sum, value) => sum + value, 0)
  }
  return { counters, usage }
}

/** From the text of Prometheus; a sample may have labels. */
export function valuesOf(page: string, metric: string): readonly number[] {
  const line = new RegExp(`^${metric}(?:\\{[^}]*\\})? (\\S+)$`, 'gm')
  return Array.from(page.matchAll(line), ([, value]) => Number(value))
}

/** What rose between two samples, for each of so many checkouts. */
export function costsOf(before: Sample, after: Sample, checkouts: number): Costs {
  const costs: Costs = {}
  for (const name of names) {
    const [from, to] = [before.counters[name], after.counters[name]]
    if (from !== undefined && to !== undefined) costs[name] = (to - from) / checkouts
  }
  if (before.usage !== undefined && after.usage !== undefined) {
    costs.cpuMicros = ((after.usage.cpuMs - before.usage.cpuMs) * 1_000) / checkouts
    costs.writtenBytes = (after.usage.writtenBytes - before.usage.writtenBytes) / checkouts
  }
  return costs
}
