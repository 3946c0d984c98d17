/**
 * Known bugs of such systems, put into the formal model one at a time by changing its text: each
 * must give a counter-example to the invariant that it breaks, or the model proves nothing.
 */
import type { Change } from './alloy.ts'

export interface Flaw extends Change {
  readonly name: string
  readonly model: 'two-phase-commit' | 'saga'
  readonly models: string
  /** The predicate of the model that fails. */
  readonly breaks: string
  /** The fewest states of a history in which it does. */
  readonly states: number
}

const participant = 'participant.als'
const twoPhaseCommit = 'two-phase-commit.als'
const saga = 'saga.als'

const unfenced = {
  file: participant,
  find: 'o.epoch = Log.newest }',
  replace: 'some o.epoch }',
  models: 'a former coordinator can still write the log',
  breaks: 'decisionsAreStable',
}
const refusalForgotten = {
  file: participant,
  find: '(Prepare + Execute) -> No -> Refused\n  + Nothing',
  replace: '(Prepare + Execute) -> No -> Nothing\n  + Nothing',
  models: 'a refusal is not remembered: a late copy of the command succeeds after it',
}
export const flaws: readonly Flaw[] = [
  {
    name: 'no tombstone for an abort',
    states: 7,
    model: 'two-phase-commit',
    models: 'abort of an unknown branch leaves nothing for the late prepare to meet',
    file: participant,
    find: 'Abort -> DidAbort -> Aborted\n  + Nothing',
    replace: 'Abort -> DidAbort -> Nothing\n  + Nothing',
    breaks: 'nothingIsHeldAfterTheEnd',
  },
  {
    name: 'abort only to voters',
    states: 8,
    model: 'two-phase-commit',
    models: 'abort goes only to those whose yes was heard',
    file: twoPhaseCommit,
    find: 'o.asked[t] + o.yes[t] - refused',
    replace: 'o.yes[t]',
    breaks: 'nothingIsHeldAfterTheEnd',
  },
  { name: 'unfenced', states: 8, model: 'two-phase-commit', ...unfenced },
  {
    name: 'refusal forgotten',
    states: 7,
    model: 'two-phase-commit',
    ...refusalForgotten,
    breaks: 'nothingIsHeldAfterTheEnd',
  },
  {
    name: 'commit before the log',
    states: 7,
    model: 'two-phase-commit',
    models: 'commit is sent before the decision is durable',
    file: twoPhaseCommit,
    find: '{ enters[o, t, Committing, Participant] }',
    replace: `{ does[o, t, Committing, Participant, none, Participant -> Commit]
  and sameNotes[Notes - o] }`,
    breaks: 'decidedBeforeTaken',
  },
  {
    name: 'commit repeats',
    states: 8,
    model: 'two-phase-commit',
    models: 'a repeated commit takes again',
    file: participant,
    find: 'new in Committed + Executed and old != new',
    replace: 'new in Committed + Executed',
    breaks: 'exactlyOnce',
  },
  {
    name: 'told before the log',
    states: 5,
    model: 'two-phase-commit',
    models: 'the client is told as soon as everyone has voted, before the decision is durable',
    file: twoPhaseCommit,
    find: `some o.phase[t] - Preparing
  Client.told' = Client.told + t -> (isCommit[o.phase[t]]`,
    replace: `some o.phase[t] and (all p: Participant | Yes -> t in p.replies)
  Client.told' = Client.told + t -> (o.phase[t] not in Aborting + EndAborted`,
    breaks: 'answersAreFinal',
  },
  {
    name: 'mark too high',
    states: 4,
    model: 'two-phase-commit',
    models: 'the mark passes a transaction that is still open',
    file: participant,
    find: 'some Log.phase[t] & ended and t not in Log.past',
    replace: 'some Log.phase[t] and t not in Log.past',
    breaks: 'nothingIsHeldAfterTheEnd',
  },
  {
    name: 'deadline after the decision',
    states: 7,
    model: 'two-phase-commit',
    models: 'a deadline turns a decided transaction around',
    file: twoPhaseCommit,
    find: 'o.phase[t] = Preparing and decidesAbort',
    replace: 'o.phase[t] in Preparing + Committing and some o.phase[t] and decidesAbort',
    breaks: 'decisionsAreStable',
  },
  {
    name: 'mark not looked at',
    states: 9,
    model: 'two-phase-commit',
    models: 'a late command finds its record dropped and begins anew',
    file: participant,
    find: ' and t not in p.passed and some new',
    replace: ' and some new',
    breaks: 'nothingIsHeldAfterTheEnd',
  },
  {
    name: 'no tombstone for a compensation',
    states: 7,
    model: 'saga',
    models: 'compensation before the late execute is forgotten',
    file: participant,
    find: 'Compensate -> DidCompensate -> Compensated\n  + Prepared',
    replace: 'Compensate -> DidCompensate -> Nothing\n  + Prepared',
    breaks: 'undoneStaysUndone',
  },
  {
    name: 'refusal forgotten in a saga',
    states: 6,
    model: 'saga',
    ...refusalForgotten,
    breaks: 'noMeansNever',
  },
  { name: 'unfenced saga', states: 8, model: 'saga', ...unfenced },
  {
    name: 'pivot not logged',
    states: 9,
    model: 'saga',
    models: 'payment executes before the log knows that it was asked',
    file: saga,
    find: 'writes[o, t, Paying, Payment, Order + Stock, Payment -> Execute]',
    replace:
      'does[o, t, Paying, Payment, Order + Stock, Payment -> Execute]\n  sameNotes[Notes - o]',
    breaks: 'whoExecutedIsAsked',
  },
  {
    name: 'only what answered is undone',
    states: 7,
    model: 'saga',
    models: 'a branch whose answer was lost is not compensated',
    file: saga,
    find: 'let may = o.asked[t] + o.yes[t] - refused |',
    replace: 'let may = o.yes[t] |',
    breaks: 'abortedMeansNothing',
  },
  {
    name: 'deadline after the pivot',
    states: 9,
    model: 'saga',
    models: 'a saga turns back although payment has executed and the outcome is decided',
    file: saga,
    find: 'some o.phase[t] & forward and turnsBack',
    replace: 'some o.phase[t] & (forward + Committing) and turnsBack',
    breaks: 'decisionsAreStable',
  },
]
