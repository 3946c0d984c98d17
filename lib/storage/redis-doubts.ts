/**
 * When a server is to be left though its connection is sound: it says that another has to be asked,
 * or it has had no replicas for a while, as a primary that another has replaced meanwhile. Where
 * there is no other, the next connection is to the same one. Next: redis-lane.ts.
 */
import { refusalOf, sentenceOf } from './redis-errors.ts'

/** How long a primary may lack replicas before it is asked anew which is the primary. */
const aloneForMs = 1_000

export interface Said {
  /** What it said instead of answers. */
  readonly refusals: readonly string[]
  /** Replicas that were asked for and did not answer in time, for people. */
  readonly tooFew: string | undefined
  /** It could be seen whether there are replicas. */
  readonly isTold: boolean
}

export class RedisDoubts {
  /** On the clock. */
  #aloneSince: number | undefined

  /** Why the server that has said this is to be left, if it is. */
  reasonToLeave({ refusals, tooFew, isTold }: Said, now: number): string | undefined {
    const elsewhere = refusals.find((text) => refusalOf(text) === 'elsewhere')
    if (elsewhere !== undefined) return sentenceOf(elsewhere)
    const alone = refusals.find((text) => /\bNOREPLICAS\b/.test(text)) ?? tooFew
    if (alone === undefined) {
      if (isTold) this.#aloneSince = undefined
      return undefined
    }
    this.#aloneSince ??= now
    if (now - this.#aloneSince < aloneForMs) return undefined
    this.#aloneSince = undefined
    return sentenceOf(alone)
  }
}
