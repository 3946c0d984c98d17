/**
 * Trying again with a growing, jittered pause while something is only in the way for a moment:
 * another's hold, a checkout under way. Full jitter as in "Exponential Backoff And Jitter" (AWS).
 */
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Random } from '../runtime/random.ts'

export interface PatienceOptions {
  readonly clock: Clock
  readonly random: Random
  readonly config: Pick<Config, 'busyFirstMs' | 'busyMaxMs'>
}

/** Runs `attempt` until it returns something or `forMs` have passed; then undefined. */
export async function patiently<T>(
  { clock, random, config }: PatienceOptions,
  forMs: number,
  attempt: () => Promise<T | undefined>,
): Promise<T | undefined> {
  const giveUpAt = clock.now() + forMs
  for (let pauseMs = config.busyFirstMs; ; pauseMs = Math.min(pauseMs * 2, config.busyMaxMs)) {
    const result = await attempt()
    if (result !== undefined) return result
    if (clock.now() >= giveUpAt) return undefined
    await clock.sleep(1 + random.next() * pauseMs)
  }
}
