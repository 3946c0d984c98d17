/**
 * Non-vacuity: how often each state, fault, transition and answer was reached. A campaign that
 * never reached one that it should have reached proves nothing and fails; the list is in
 * required.ts.
 */
export class Coverage {
  readonly counts: Map<string, number>

  constructor(counts: ReadonlyMap<string, number> = new Map()) {
    this.counts = new Map(counts)
  }

  add(name: string, count = 1): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + count)
  }

  merge(other: Coverage): void {
    for (const [name, count] of other.counts) this.add(name, count)
  }

  /** Those of `names` that were never reached. */
  missing(names: readonly string[]): string[] {
    return names.filter((name) => !this.counts.has(name))
  }
}
