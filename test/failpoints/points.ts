/**
 * The named points at which a process is killed, exactly: every boundary of the protocols between
 * what is durable and what is said. `fate` is what must become of the interrupted transaction if
 * nobody asks for it again: the log alone decides.
 *
 * A point is a predicate over moments (moments.ts), so that the shipped code knows nothing of it.
 */
import type { Message } from '../../protocol/messages.ts'
import type { BranchRecord } from '../../protocol/participant.ts'
import type { State } from '../../protocol/protocol.ts'
import { parseTransactionId } from '../../protocol/transaction-id.ts'
import type { Variant } from '../variants.ts'
import type { Moment } from './moments.ts'

export interface Point {
  readonly name: string
  /** The service that dies there. */
  service(variant: Variant): Variant['coordination'] | 'stock' | 'payment'
  readonly when: Moment['when']
  /** What the moment is about, if it is this point: a transaction where there is one. */
  reached(moment: Moment): Reached | undefined
  readonly fate?: 'paid' | 'not paid'
  /** While the process starts, before it serves anything. */
  readonly isAtStart?: boolean
  /** Variants that have no such point. */
  isIn(variant: Variant): boolean
}

export interface Reached {
  readonly transaction?: string
}

const everywhere = () => true
const is2pc = ({ protocol }: Variant) => protocol === '2pc'
const isSaga = ({ protocol }: Variant) => protocol === 'saga'
const isOrchestrated = ({ coordination }: Variant) => coordination === 'orchestrator'

const coordinator = ({ coordination }: Variant) => coordination
const order = () => 'order' as const
const stock = () => 'stock' as const
const payment = () => 'payment' as const

/** A write of the decision log. */
function logWrite(isMeant: (state: State, former: State | undefined) => boolean) {
  return (moment: Moment): Reached | undefined => {
    if (moment.kind !== 'write' || !moment.key.startsWith('log:')) return undefined
    const state = moment.record as State
    const isIt = isMeant(state, moment.former as State | undefined)
    return isIt ? { transaction: state.transaction } : undefined
  }
}

/** A write of a participant's branch record, into one of these states. */
function branchWrite(...states: readonly BranchRecord['state'][]) {
  return (moment: Moment): Reached | undefined => {
    if (moment.kind !== 'write' || !moment.key.startsWith('branch:')) return undefined
    const branch = moment.record as BranchRecord & { transaction: string }
    const isNew = (moment.former as BranchRecord | undefined)?.state !== branch.state
    return isNew && states.includes(branch.state) ? { transaction: branch.transaction } : undefined
  }
}

function heard(isMeant: (message: Message) => boolean) {
  return (moment: Moment): Reached | undefined => {
    if (moment.kind !== 'hear' || !isMeant(moment.message)) return undefined
    return 'transaction' in moment.message ? { transaction: moment.message.transaction } : {}
  }
}

const answered = (isMeant: (status: number) => boolean) => (moment: Moment) =>
  moment.kind === 'answer' && isMeant(moment.status) ? {} : undefined

/** A command for a transaction that an earlier owner has begun: recovery drives it on. */
function recovering() {
  /** By partition, as this process has raised it. */
  const epochs = new Map<number, number>()
  return (moment: Moment): Reached | undefined => {
    if (moment.kind === 'write' && moment.key === 'epoch') {
      epochs.set(moment.partition, moment.record as number)
    }
    if (moment.kind !== 'send' || moment.message.kind !== 'command') return undefined
    const { transaction } = moment.message
    const { partition, epoch } = parseTransactionId(transaction)!
    return epoch < (epochs.get(partition) ?? 0) ? { transaction } : undefined
  }
}

const isEpoch = (moment: Moment) =>
  moment.kind === 'write' && moment.key === 'epoch' ? {} : undefined

const decides = (outcome: State['decided']) =>
  logWrite((state, former) => state.decided === outcome && former?.decided === undefined)
const begins = logWrite((state, former) => state.decided === undefined && former === undefined)
const ends = logWrite((state, former) => state.phase === 'ended' && former?.phase !== 'ended')
const pays = logWrite((state, former) => state.phase === 'paying' && former?.phase !== 'paying')
const votes = branchWrite('prepared', 'executed')
const undoes = branchWrite('aborted', 'compensated')
const isYes = (message: Message) => message.kind === 'reply' && message.answer === 'yes'
const isDone = (message: Message) => message.kind === 'reply' && message.answer === 'done'

type Written = Pick<Point, 'service' | 'reached'> & {
  readonly what: string
  readonly isIn?: Point['isIn']
  /** Before the write, and after it. */
  readonly fates?: readonly [Point['fate']?, Point['fate']?]
}

const written: readonly Written[] = [
  { what: 'begin', service: coordinator, reached: begins, fates: ['not paid'] },
  { what: 'progress', service: coordinator, reached: pays, isIn: isSaga },
  {
    ...{ what: 'decision to commit', service: coordinator, reached: decides('committed') },
    fates: [undefined, 'paid'],
  },
  {
    ...{ what: 'decision to abort', service: coordinator, reached: decides('aborted') },
    fates: ['not paid', 'not paid'],
  },
  { what: 'end', service: coordinator, reached: ends },
  { what: 'vote of stock', service: stock, reached: votes },
  { what: 'vote of payment', service: payment, reached: votes },
  {
    ...{ what: 'refusal of payment', service: payment, reached: branchWrite('refused') },
    fates: ['not paid', 'not paid'],
  },
  { what: 'undoing at stock', service: stock, reached: undoes, fates: ['not paid', 'not paid'] },
  {
    ...{ what: 'commit at stock', service: stock, reached: branchWrite('committed') },
    ...{ isIn: is2pc, fates: ['paid', 'paid'] },
  },
  {
    ...{ what: 'commit at payment', service: payment, reached: branchWrite('committed') },
    ...{ isIn: is2pc, fates: ['paid', 'paid'] },
  },
  { what: 'vote of order', service: order, reached: votes, isIn: isOrchestrated },
  {
    ...{ what: 'commit at order', service: order, reached: branchWrite('committed') },
    ...{ isIn: isOrchestrated, fates: ['paid', 'paid'] },
  },
]

const said: readonly (Omit<Point, 'isIn'> & Partial<Pick<Point, 'isIn'>>)[] = [
  {
    ...{ name: 'a vote arrives', service: coordinator, when: 'before' },
    reached: heard(isYes),
  },
  {
    ...{ name: 'a vote has been heard', service: coordinator, when: 'after' },
    reached: heard(isYes),
  },
  {
    ...{ name: 'a branch says done', service: coordinator, when: 'before' },
    reached: heard(isDone),
  },
  {
    ...{ name: 'a checkout request arrives', service: coordinator, when: 'before' },
    reached: heard(({ kind }) => kind === 'checkout'),
    isIn: isOrchestrated,
  },
  {
    ...{ name: 'the outcome arrives at order', service: order, when: 'before' },
    reached: heard(({ kind }) => kind === 'outcome'),
    isIn: isOrchestrated,
  },
  {
    ...{ name: 'before the answer: paid', service: order, when: 'before' },
    reached: answered((status) => status === 200),
  },
  {
    ...{ name: 'after the answer: paid', service: order, when: 'after' },
    reached: answered((status) => status === 200),
  },
  {
    ...{ name: 'before the answer: refused', service: order, when: 'before' },
    reached: answered((status) => status >= 400 && status < 500),
  },
  {
    ...{ name: 'after the answer: refused', service: order, when: 'after' },
    reached: answered((status) => status >= 400 && status < 500),
  },
  {
    ...{ name: 'before the epoch is raised', service: coordinator, when: 'before' },
    ...{ reached: isEpoch, isAtStart: true },
  },
  {
    ...{ name: 'after the epoch was raised', service: coordinator, when: 'after' },
    ...{ reached: isEpoch, isAtStart: true },
  },
  {
    ...{ name: 'in recovery', service: coordinator, when: 'before', isAtStart: true },
    reached: recovering(),
  },
]

/** In the order in which the tests walk them: each name once. */
export const points: readonly Point[] = [
  ...written.flatMap(({ what, fates = [], isIn = everywhere, ...rest }): Point[] => {
    const point = (when: Point['when'], fate: Point['fate']) => ({
      ...{ ...rest, isIn, when, name: `${when} the write: ${what}` },
      ...(fate !== undefined && { fate }),
    })
    return [point('before', fates[0]), point('after', fates[1])]
  }),
  ...said.map((point) => ({ isIn: everywhere, ...point })),
]

export function pointNamed(name: string): Point {
  const point = points.find((each) => each.name === name)
  if (point === undefined) throw new Error(`There is no failpoint ${JSON.stringify(name)}.`)
  return point
}
