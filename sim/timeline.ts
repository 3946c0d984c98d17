/**
 * What happened, in order: a readable line for each message, write, answer and fault, and a hash of
 * all of them. Campaigns keep no lines, for speed; a failing seed is run again with them.
 */
import { createHash, type Hash } from 'node:crypto'

export class Timeline {
  readonly lines: string[] = []
  readonly isKept: boolean
  readonly #hash: Hash | undefined

  constructor(isKept: boolean) {
    this.isKept = isKept
    this.#hash = isKept ? createHash('sha256') : undefined
  }

  /** `tell` is called only where lines are kept. */
  note(now: number, who: string, tell: () => string): void {
    if (!this.isKept) return
    const line = `${now.toFixed(2).padStart(10)} ms  ${who.padEnd(15)} ${tell()}`
    this.lines.push(line)
    this.#hash?.update(line).update('\n')
  }

  /** Of everything noted so far. */
  digest(): string {
    return this.#hash?.copy().digest('hex') ?? ''
  }
}
