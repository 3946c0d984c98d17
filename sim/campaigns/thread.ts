/** A thread of in-threads.ts: runs stretches of seeds. */
import { runCampaign } from '../campaign.ts'
import { work } from '../crew.ts'
import type { Stretch, StretchResult } from './in-threads.ts'

work(async ({ kind, variant, firstSeed, histories }: Stretch): Promise<StretchResult> => {
  const goOn = (done: number) => done < histories
  const { coverage, ...result } = await runCampaign(variant, { kind, firstSeed, goOn })
  return { ...result, counts: coverage.counts }
})
