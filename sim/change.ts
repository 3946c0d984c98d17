/** What the checkers are told of a simulated database: each step that took effect, as it was. */
import type { Json } from '../lib/storage/storage.ts'

/** One atomic step that took effect. */
export interface Change {
  readonly at: number
  readonly service: string
  readonly partition: number
  readonly process: string
  /** A chunk of a bulk load. */
  readonly isLoad: boolean
  readonly writes: readonly Write[]
}

export interface Write {
  readonly key: string
  readonly before: Json | undefined
  readonly after: Json | undefined
}
