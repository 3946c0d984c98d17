/**
 * The participant's rule: what one command does to one branch and to the records it touches.
 *
 * `obey` is the whole of it, a pure function that the engine runs as one atomic storage step.
 * Duplicates are looked for before the business rule (a repeated prepare that took the last unit
 * answers yes again); a refusal is remembered; abort and compensate of an unknown branch leave a
 * tombstone that a late prepare or execute meets; a command that contradicts the branch is parked.
 *
 * After dtm's barrier (null compensation, dangled request, duplicates), with steno's transition
 * table; see docs/PROTOCOLS.md.
 */
import type { Answer, Command, Entry, Reason, Verb } from './messages.ts'

export type BranchState =
  | 'prepared'
  | 'committed'
  | 'aborted'
  | 'executed'
  | 'compensated'
  | 'refused'

/** What a participant remembers of a branch, until the coordinator's mark has passed it. */
export interface BranchRecord {
  readonly state: BranchState
  readonly entries: readonly Entry[]
  /** The generation of each entry's record when it was held or taken; see `Domain.generation`. */
  readonly generations: readonly number[]
  readonly reason?: Reason
  /** Verbs that contradicted this branch and were put aside; a person should look. */
  readonly parked?: readonly Verb[]
}

export type Held<R> =
  | { readonly kind: 'held'; readonly record: R }
  | { readonly kind: 'refused'; readonly reason: Reason }
  | { readonly kind: 'busy'; readonly reason: Reason }

/**
 * What a service's records can do; pure. `take` follows `hold`, so execute is both in one step.
 * `hold` alone may refuse: what was held can always be taken or released, what was taken restored.
 */
export interface Domain<R> {
  hold(record: R | undefined, amount: number, transaction: string): Held<R>
  take(record: R, amount: number, transaction: string): R
  release(record: R, amount: number, transaction: string): R
  restore(record: R, amount: number, transaction: string): R
  /** Changes when batch_init replaces the record: an old branch must not touch the new one. */
  generation(record: R): number
  /** For records that one transaction holds alone (orders): whether it is this one. */
  isHeldBy?(record: R, transaction: string): boolean
}

export interface Obeyed<R> {
  readonly answer: Answer
  readonly reason?: Reason
  /** The branch as it must be written; undefined where nothing is to be written. */
  readonly branch?: BranchRecord
  /** New records in the order of the command's entries; undefined where unchanged. */
  readonly records?: readonly (R | undefined)[]
  /**
   * A commit met no branch and was applied afresh: this storage has lost an acknowledged prepare.
   */
  readonly recovered?: boolean
}

type Action =
  | 'hold'
  | 'holdAndTake'
  | 'takeHeld'
  | 'takeLost'
  | 'release'
  | 'restore'
  | 'tombstone'
  | 'yes'
  | 'done'
  | 'refuse'
  | 'park'

/** Every legal meeting of a branch and a command; what is not here is a contradiction. */
export const participantTable: Readonly<
  Record<BranchState | 'none', Readonly<Partial<Record<Verb, Action>>>>
> = {
  none: {
    prepare: 'hold',
    execute: 'holdAndTake',
    commit: 'takeLost',
    abort: 'tombstone',
    compensate: 'tombstone',
  },
  prepared: { prepare: 'yes', commit: 'takeHeld', abort: 'release' },
  committed: { prepare: 'yes', commit: 'done' },
  aborted: { prepare: 'refuse', abort: 'done' },
  executed: { execute: 'yes', compensate: 'restore' },
  compensated: { execute: 'refuse', compensate: 'done' },
  refused: { prepare: 'refuse', execute: 'refuse', abort: 'done', compensate: 'done' },
}

export const sameEntries = (a: readonly Entry[], b: readonly Entry[]): boolean =>
  a.length === b.length &&
  a.every((entry, index) => entry.id === b[index]?.id && entry.amount === b[index]?.amount)

/**
 * Decides one command. `records` are those of the command's entries, in their order.
 * The caller writes `branch` and `records` in one atomic step and only then sends the answer.
 */
export function obey<R>(
  command: Command,
  branch: BranchRecord | undefined,
  records: readonly (R | undefined)[],
  domain: Domain<R>,
): Obeyed<R> {
  const { verb, transaction } = command
  const { entries } = command.branch
  const known = branch === undefined || sameEntries(branch.entries, entries)
  const action = known ? (participantTable[branch?.state ?? 'none'][verb] ?? 'park') : 'park'
  switch (action) {
    case 'hold':
      return hold(command, records, domain, 'prepared')
    case 'holdAndTake':
      return hold(command, records, domain, 'executed')
    case 'takeLost': {
      const applied = hold(command, records, domain, 'committed')
      if (applied.answer === 'yes') return { ...applied, answer: 'done', recovered: true }
      return park({ state: 'refused', entries, generations: [] }, verb)
    }
    case 'takeHeld':
      return settle('committed', branch!, records, domain, (record, amount) =>
        domain.take(record, amount, transaction),
      )
    case 'release':
      return settle('aborted', branch!, records, domain, (record, amount) =>
        domain.release(record, amount, transaction),
      )
    case 'restore':
      return settle('compensated', branch!, records, domain, (record, amount) =>
        domain.restore(record, amount, transaction),
      )
    case 'tombstone': {
      const state = verb === 'abort' ? 'aborted' : 'compensated'
      return { answer: 'done', branch: { state, entries, generations: [] } }
    }
    case 'yes':
    case 'done':
      return { answer: action }
    case 'refuse':
      return { answer: 'refused', reason: branch?.reason ?? 'ended' }
    case 'park':
      return park(branch!, verb)
  }
}

/** Holds every entry or none; for `executed` and `committed` takes them in the same breath. */
function hold<R>(
  command: Command,
  records: readonly (R | undefined)[],
  domain: Domain<R>,
  state: 'prepared' | 'executed' | 'committed',
): Obeyed<R> {
  const { entries } = command.branch
  const changed: R[] = []
  let busy: Reason | undefined
  for (const [index, { amount }] of entries.entries()) {
    const held = domain.hold(records[index], amount, command.transaction)
    if (held.kind === 'refused') {
      const branch = { state: 'refused', entries, generations: [], reason: held.reason } as const
      return { answer: 'refused', reason: held.reason, branch }
    }
    if (held.kind === 'busy') {
      busy = held.reason
      continue
    }
    const { record } = held
    changed.push(state === 'prepared' ? record : domain.take(record, amount, command.transaction))
  }
  // Not remembered: it may be asked again, and who gives up says abort, which is remembered.
  if (busy !== undefined) return { answer: 'busy', reason: busy }
  const generations = changed.map((record) => domain.generation(record))
  return { answer: 'yes', branch: { state, entries, generations }, records: changed }
}

/** Ends a branch; a record that was replaced since it was held is left as it is. */
function settle<R>(
  state: BranchState,
  branch: BranchRecord,
  records: readonly (R | undefined)[],
  domain: Domain<R>,
  change: (record: R, amount: number) => R,
): Obeyed<R> {
  const changed = branch.entries.map(({ amount }, index) => {
    const record = records[index]
    if (record === undefined || domain.generation(record) !== branch.generations[index]) {
      return undefined
    }
    return change(record, amount)
  })
  return { answer: 'done', branch: { ...branch, state }, records: changed }
}

function park<R>(branch: BranchRecord, verb: Verb): Obeyed<R> {
  const parked = branch.parked ?? []
  if (parked.includes(verb)) return { answer: 'parked' }
  return { answer: 'parked', branch: { ...branch, parked: [...parked, verb] } }
}
