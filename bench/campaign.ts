/**
 * Several variants and mixes, measured side by side: run by run in turn (A, B, A, B, ...), so that
 * whatever else the machine does meets all of them alike, each run on a shop and data of its own.
 */
import { systemClock } from '../lib/runtime/clock.ts'
import { type EngineKind, startShop } from './engines-under-test.ts'
import { probeFsync } from './environment.ts'
import { openProgress } from './progress.ts'
import type { Series } from './report.ts'
import { type Figures, type LoadSettings, runOnce } from './run.ts'
import { type Target, withDataDirectory } from './shop-under-test.ts'
import type { Mix, WorkloadOptions } from './workload.ts'

export interface Campaign {
  readonly mixes: readonly Mix[]
  readonly runs: number
  /** What a shop that is started stands on. */
  readonly engines: EngineKind
  readonly workload: Omit<WorkloadOptions, 'mix'>
  readonly load: LoadSettings
  /** A shop that runs already, which is filled anew for every run; or the variants to start. */
  readonly shops: Target | readonly string[]
}

export interface CampaignResult {
  readonly series: readonly Series[]
  /** Median of the fsync probes, one before each run, on the disk of the data. */
  readonly fsyncMs: readonly number[]
}

export async function runCampaign(campaign: Campaign): Promise<CampaignResult> {
  const { shops, mixes, runs } = campaign
  const variants = 'origin' in shops ? [shops.variant] : shops
  const series = variants.flatMap((variant) =>
    mixes.map((mix) => ({ variant, mix, runs: [] as Figures[] })),
  )
  const fsyncMs: number[] = []
  for (let run = 0; run < runs; run++) {
    for (const each of series) {
      const count = runs > 1 ? `, run ${run + 1} of ${runs}` : ''
      const progress = openProgress(`${each.variant}, ${each.mix}${count}`)
      const measure = (target: Target) =>
        runOnce(
          target,
          { ...campaign.workload, mix: each.mix },
          { ...campaign.load, seed: campaign.load.seed + run },
          progress.show,
        )
      try {
        each.runs.push(
          'origin' in shops
            ? await measure(shops)
            : await onNewShop(campaign.engines, each.variant, measure, fsyncMs),
        )
      } finally {
        progress.end()
      }
    }
  }
  return { series, fsyncMs }
}

function onNewShop(
  engines: EngineKind,
  variant: string,
  measure: (target: Target) => Promise<Figures>,
  fsyncMs: number[],
): Promise<Figures> {
  return withDataDirectory(async (data) => {
    fsyncMs.push(probeFsync(data, systemClock))
    const shop = await startShop(engines, { variant, data })
    const figures = await measure(shop.target)
    await shop.stop()
    return figures
  })
}
