/**
 * What a transaction waits for, in words; pure. What a coordinator still has to hear is not guessed
 * from phases but asked of the protocol itself (`pending`), which is also what resends.
 */
import { protocols } from '../protocol/index.ts'
import type { Branch, Verb } from '../protocol/messages.ts'
import type { BranchRecord, BranchState } from '../protocol/participant.ts'
import type { State } from '../protocol/protocol.ts'

const awaited: Readonly<Record<Verb, string>> = {
  prepare: 'to vote on prepare',
  execute: 'to execute',
  commit: 'to acknowledge commit',
  abort: 'to acknowledge abort',
  compensate: 'to acknowledge compensate',
}

export const placeOf = ({ service, partition }: Pick<Branch, 'service' | 'partition'>) =>
  `${service} partition ${partition}`

/** For example "waits for stock partition 0 to acknowledge commit". */
export function waitsFor(state: State): string {
  const parked = state.branches.filter((_, index) => state.status[index] === 'parked')
  const look =
    parked.length === 0
      ? ''
      : `; ${listed(parked.map(placeOf))} contradicted the decision and was parked: look into it`
  if (state.phase === 'ended') return `waits for nothing: ${endOf(state)}${look}`
  const pending = protocols[state.protocol].pending(state)
  if (pending.length === 0) return `waits for its coordinator to write the next step${look}`
  const places = new Map<Verb, string[]>()
  for (const { verb, branch } of pending) {
    const others = places.get(verb) ?? []
    places.set(verb, [...others, placeOf(branch)])
  }
  const groups = [...places].map(([verb, names]) => `${listed(names)} ${awaited[verb]}`)
  return `waits for ${groups.join(', and for ')}${look}`
}

/** The same of a transaction that its coordinator still has in hand. */
export function waitsWhileOpen(state: State): string {
  if (state.phase !== 'ended') return waitsFor(state)
  return `waits for the log to take its end: ${endOf(state)}`
}

function endOf({ decided, reason }: State): string {
  return decided === 'committed' ? 'it has committed' : `it was aborted (${reason ?? 'timed_out'})`
}

/** The decision, and whether it can still change. */
export function decisionOf({ decided, reason }: State): string {
  if (decided === undefined) return 'undecided'
  return decided === 'committed' ? 'committed' : `aborted (${reason ?? 'timed_out'})`
}

/** The states of a branch that answer what the coordinator asks for in a phase. */
const answering: Readonly<Partial<Record<State['phase'], readonly BranchState[]>>> = {
  preparing: ['prepared', 'refused'],
  executing: ['executed', 'prepared', 'refused'],
  paying: ['executed', 'refused'],
  committing: ['committed'],
  aborting: ['aborted'],
  compensating: ['compensated', 'aborted'],
}

/** What one participant remembers of its branch, next to what its coordinator waits for. */
export function memoryOf(state: State, index: number, record: BranchRecord | undefined): string {
  const branch = state.branches[index]
  if (record === undefined) {
    const isLocal = branch?.service === 'order' && state.transaction.startsWith('order.')
    if (isLocal) return 'decided with the log itself'
    return state.phase === 'ended' ? 'nothing any more' : 'nothing yet'
  }
  const reason = record.reason === undefined ? '' : ` (${record.reason})`
  const parked =
    record.parked === undefined ? '' : `, contradicted by ${record.parked.join(' and ')}: parked`
  const isHeard = state.status[index] !== 'asked'
  const isAnswer = answering[state.phase]?.includes(record.state) === true
  const late = isHeard || !isAnswer ? '' : ', its answer has not been heard; it is asked again'
  return `${record.state}${reason}${parked}${late}`
}

function listed(names: readonly string[]): string {
  if (names.length < 2) return names.join('')
  return `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`
}
