/**
 * A director sees each step of a history as it is taken, and may let one of them go wrong: exactly
 * there, not by chance (sim/matrix/). Histories of a seed have none.
 */
import type { Message } from '../protocol/messages.ts'
import type { Change, Write } from './change.ts'
import type { Operation } from './operation.ts'

/** A step: a message, write or answer is about to leave; `written` has just taken effect. */
export type Sight =
  | { readonly kind: 'sends'; readonly process: string; readonly message: Message }
  | { readonly kind: 'reads'; readonly process: string; readonly key: string }
  | {
      readonly kind: 'writing'
      readonly process: string
      readonly service: string
      readonly writes: readonly Write[]
    }
  | ({ readonly kind: 'written' } & Change)
  | { readonly kind: 'asks'; readonly process: string; readonly operation: Operation }
  | {
      readonly kind: 'answers'
      readonly process: string
      readonly operation: Operation
      readonly status: number
    }

/**
 * What becomes of a step: a read or write fails; what travels arrives once for each number, so many
 * ms later than usual: never, late, or more than once.
 */
export type Fate = 'fails' | readonly number[]

export interface Director {
  /** May crash processes before it returns. */
  sees(sight: Sight): Fate | undefined
  /** It has had its chance: the faults may stop. */
  readonly isDone: boolean
  /** The faults stop. */
  end(): void
}
