/**
 * A point of a protocol as the simulator sees it: the step that is the point (there a process
 * dies), the message that is on its way there (it is lost, repeated or late), and the write that
 * makes it true (it fails before its effect or after it). A sentence in the place of one says why
 * there is none.
 */
import type { Sight } from '../director.ts'
import type { Step } from './steps.ts'

export interface Point {
  readonly name: string
  readonly text: string
  /** What clients ask for goes through, or the credit does not suffice. */
  readonly scene: 'paid' | 'refused'
  readonly at: Step
  /** Which sight of that step: a write has two. */
  readonly when: Sight['kind']
  readonly message: Step | string
  readonly before: Step | string
  readonly after: Step | string
  /** Why its message cannot come twice. */
  readonly onlyOnce?: string
  /** The client is answered at once, and commits are on their way for longer than that takes. */
  readonly isAnsweredFirst?: true
}

export const noEffect = 'a read has no effect: failing before it and after it are the same'
export const oneAnswer =
  'a request has one answer; the request itself comes twice at the first point'
export const tellingOnly = 'telling writes nothing'
