/** What a checker is: it watches writes and answers, and says at the end what does not fit. */
import type { Books } from '../books.ts'
import type { Change } from '../change.ts'
import type { Draw } from '../draw.ts'
import type { Operation } from '../operation.ts'
import type { SimShop } from '../shop.ts'

/** As docs/PROOF.md names them. */
export type Invariant = 'I1' | 'I2' | 'I3' | 'I4' | 'I5' | 'I6' | 'I7' | 'I8' | 'I9'

export interface Violation {
  readonly invariant: Invariant
  readonly at: number
  readonly text: string
}

export interface Evidence {
  readonly draw: Draw
  readonly shop: SimShop
  readonly books: Books
  readonly operations: readonly Operation[]
  /** Virtual time from which on nothing is broken any more. */
  healedAt: number
  report(invariant: Invariant, text: string): void
}

export interface Checker {
  onChange?(change: Change): void
  onAnswer?(operation: Operation): void
  atEnd?(): void
}

export type MakeChecker = (evidence: Evidence) => Checker
