/** A campaign whose histories are shared out among threads, a stretch of seeds at a time. */
import { type CampaignResult, joined } from '../campaign.ts'
import { Coverage } from '../coverage.ts'
import { Crew } from '../crew.ts'
import type { Variant } from '../draw.ts'
import type { Kind } from '../kinds.ts'

export interface Stretch {
  readonly kind: Kind
  readonly variant: Variant
  readonly firstSeed: number
  readonly histories: number
}

/** A class does not travel between threads; its counts do. */
export type StretchResult = Omit<CampaignResult, 'coverage'> & {
  readonly counts: ReadonlyMap<string, number>
}

export type Threads = Crew<Stretch, StretchResult>

/** Short enough that the last ones do not wait for one thread, long enough to hand over. */
const longestStretch = 50

export interface InThreadsOptions {
  readonly kind: Kind
  readonly firstSeed: number
  /** How many more histories there shall be when so many have been handed out. */
  left(handedOut: number): number
  onDone(histories: number): void
}

export const openThreads = (size: number): Threads =>
  new Crew(new URL('thread.ts', import.meta.url), size)

export async function runInThreads(
  variant: Variant,
  threads: Threads,
  { kind, firstSeed, left, onDone }: InThreadsOptions,
): Promise<CampaignResult> {
  const parts: CampaignResult[] = []
  let handedOut = 0
  const share = async () => {
    for (;;) {
      const histories = Math.min(longestStretch, left(handedOut))
      if (histories <= 0) return
      const first = firstSeed + handedOut
      handedOut += histories
      const { counts, ...result } = await threads.do({ kind, variant, firstSeed: first, histories })
      parts.push({ ...result, coverage: new Coverage(counts) })
      onDone(histories)
    }
  }
  await Promise.all(Array.from({ length: threads.size }, share))
  return joined(kind, variant, parts)
}
