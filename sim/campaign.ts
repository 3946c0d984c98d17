/**
 * Many histories of one variant, one after the other; what failed is counted by what it broke, and
 * what was never reached is told.
 */
import { setImmediate } from 'node:timers/promises'
import type { Invariant } from './checkers/checker.ts'
import { Coverage } from './coverage.ts'
import type { Variant } from './draw.ts'
import { type History, runHistory } from './history.ts'
import { drawOf, type Kind } from './kinds.ts'
import { enoughHistories, requiredOf } from './required.ts'

export interface Failure {
  readonly variant: Variant
  readonly seed: number
  readonly invariants: readonly Invariant[]
  readonly texts: readonly string[]
}

export interface CampaignResult {
  readonly variant: Variant
  readonly histories: number
  readonly checkouts: number
  readonly events: number
  readonly failures: readonly Failure[]
  readonly coverage: Coverage
  /** What a campaign of this size should have reached and did not. */
  readonly neverReached: readonly string[]
  /** The longest that a transaction was open after the faults had ended, in virtual ms. */
  readonly longestDrainMs: number
}

export interface CampaignOptions {
  readonly kind: Kind
  readonly firstSeed: number
  /** Called before each history; false ends the campaign. */
  goOn(histories: number): boolean
  onHistory?(history: History): void
}

/** Lets signals, output and forgotten rejections through. */
const breathEvery = 20

/** A rejection that nobody handles would end a real process. */
export class Rejections {
  readonly #found: string[] = []
  readonly #note = (reason: unknown) => {
    this.#found.push(reason instanceof Error ? (reason.stack ?? reason.message) : String(reason))
  }

  constructor() {
    process.on('unhandledRejection', this.#note)
  }

  take(): string[] {
    return this.#found.splice(0)
  }

  close(): void {
    process.off('unhandledRejection', this.#note)
  }
}

export async function runCampaign(
  variant: Variant,
  options: CampaignOptions,
): Promise<CampaignResult> {
  const coverage = new Coverage()
  const failures: Failure[] = []
  const rejections = new Rejections()
  let histories = 0
  let checkouts = 0
  let events = 0
  let longestDrainMs = 0
  try {
    for (let seed = options.firstSeed; options.goOn(histories); seed++) {
      const history = await runHistory(drawOf[options.kind](variant, seed))
      if (histories % breathEvery === 0) await setImmediate()
      const unhandled = rejections.take()
      histories++
      events += history.events
      checkouts += history.operations.filter(({ route }) => route.includes('checkout')).length
      longestDrainMs = Math.max(longestDrainMs, history.drainMs)
      coverage.merge(history.coverage)
      const { violations } = history
      if (violations.length > 0 || unhandled.length > 0) {
        const invariants = [...new Set(violations.map(({ invariant }) => invariant))]
        const texts = [...violations.map(({ invariant, text }) => `${invariant} ${text}`)]
        failures.push({ variant, seed, invariants, texts: [...texts, ...unhandled] })
      }
      options.onHistory?.(history)
    }
  } finally {
    rejections.close()
  }
  const neverReached = neverReachedBy(options.kind, variant, histories, coverage)
  return {
    variant,
    histories,
    checkouts,
    events,
    failures,
    coverage,
    neverReached,
    longestDrainMs,
  }
}

/** What parts of one campaign have found together, whoever ran them. */
export function joined(
  kind: Kind,
  variant: Variant,
  parts: readonly CampaignResult[],
): CampaignResult {
  const coverage = new Coverage()
  for (const part of parts) coverage.merge(part.coverage)
  const sum = (of: (part: CampaignResult) => number) =>
    parts.reduce((all, part) => all + of(part), 0)
  const histories = sum((part) => part.histories)
  return {
    variant,
    histories,
    checkouts: sum((part) => part.checkouts),
    events: sum((part) => part.events),
    failures: parts.flatMap((part) => part.failures).sort((a, b) => a.seed - b.seed),
    coverage,
    neverReached: neverReachedBy(kind, variant, histories, coverage),
    longestDrainMs: Math.max(0, ...parts.map((part) => part.longestDrainMs)),
  }
}

const neverReachedBy = (kind: Kind, variant: Variant, histories: number, coverage: Coverage) =>
  histories < enoughHistories ? [] : coverage.missing(requiredOf(kind, variant))
