/**
 * What a watcher needs of the place where the shop runs. Found by topology or by label, anew at
 * each look. Adapters: process-driver.ts (this machine), docker-driver.ts (containers).
 */
import type { ProbeResult } from './probe.ts'
import type { ProcessKind } from './process-spec.ts'

export interface Found {
  readonly name: string
  readonly kind: ProcessKind
  /** Tells one run from the next. */
  readonly identity: string
  readonly isAlive: boolean
}

export interface Driver {
  /** A look more often than this would cost more than it tells; `onChange` comes between. */
  readonly fewestMsBetweenLooks: number
  /** Everything that is wanted to run, but the watcher itself. */
  look(): Promise<readonly Found[]>
  /** Whether one that is alive is well. Never takes longer than the driver's own bound. */
  ask(found: Found): Promise<ProbeResult>
  /**
   * Ends what is left of this run, by force, and starts the next. False, and nothing done, if
   * somebody else has done so or it is not wanted any more.
   */
  restart(found: Found): Promise<boolean>
  /** Calls `run` when a look is worth while before its time. */
  onChange?(run: () => void): void
  close(): Promise<void>
}
