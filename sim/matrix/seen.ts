/**
 * What a director has seen of each transaction so far, and which process did it. Read off messages
 * and writes alone.
 */
import type { BranchRecord } from '../../protocol/participant.ts'
import type { State } from '../../protocol/protocol.ts'
import { entry } from '../books.ts'
import type { Write } from '../change.ts'
import type { Sight } from '../director.ts'

/** Of one transaction; each set holds places, `service/partition`. */
export interface Trace {
  orderId: string
  /** Branches that are told by messages: all but an order beside the log. */
  remote: number
  readonly prepared: Set<string>
  readonly votedYes: Set<string>
  readonly committed: Set<string>
  readonly saidDone: Set<string>
  isRefused: boolean
  isDecided: boolean
  /** Its client was told 200 before any participant had committed. */
  isAnsweredFirst: boolean
}

const isStored = (write: Write, prefix: string) =>
  write.key.startsWith(prefix) && write.after !== undefined

export const logStates = (writes: readonly Write[]) =>
  writes
    .filter((write) => isStored(write, 'log:'))
    .map(({ before, after }) => {
      return { before: before as State | undefined, after: after as unknown as State }
    })

type Branch = BranchRecord & { readonly transaction: string }

export const branchStates = (writes: readonly Write[]) =>
  writes
    .filter((write) => isStored(write, 'branch:'))
    .map(({ before, after }) => {
      return { before: before as Branch | undefined, after: after as unknown as Branch }
    })

export class Seen {
  readonly #traces = new Map<string, Trace>()
  readonly #actors = new Map<string, string>()

  of(transaction: string): Trace {
    return entry(this.#traces, transaction, () => ({
      orderId: '',
      remote: 0,
      prepared: new Set(),
      votedYes: new Set(),
      committed: new Set(),
      saidDone: new Set(),
      isRefused: false,
      isDecided: false,
      isAnsweredFirst: false,
    }))
  }

  /** The transaction that pays an order and at which no participant has committed yet. */
  undelivered(orderId: string): string | undefined {
    for (const [transaction, trace] of this.#traces) {
      const { isDecided, committed } = trace
      if (trace.orderId === orderId && isDecided && committed.size === 0) return transaction
    }
    return undefined
  }

  /** The process of a service that last did something for a transaction. */
  actor(transaction: string, service: string): string | undefined {
    return this.#actors.get(`${transaction} ${service}`)
  }

  note(sight: Sight): void {
    if (sight.kind === 'sends') this.#noteMessage(sight)
    else if (sight.kind === 'written') this.#noteWrites(sight)
    else if (sight.kind === 'answers' && sight.status === 200) {
      const transaction = this.undelivered(String(sight.operation.parameters.order_id))
      if (transaction !== undefined) this.of(transaction).isAnsweredFirst = true
    }
  }

  #noteMessage({ process, message }: Extract<Sight, { kind: 'sends' }>): void {
    if (message.kind !== 'reply' && message.kind !== 'command') return
    this.#act(message.transaction, process)
    if (message.kind === 'command') return
    const trace = this.of(message.transaction)
    const place = `${message.service}/${message.partition}`
    const { verb, answer } = message
    if (answer === 'refused' || answer === 'busy') trace.isRefused = true
    if (verb === 'prepare' && answer === 'yes') trace.votedYes.add(place)
    if (verb === 'commit' && answer === 'done') trace.saidDone.add(place)
  }

  #noteWrites({ process, service, partition, writes }: Extract<Sight, { kind: 'written' }>): void {
    const place = `${service}/${partition}`
    for (const { after } of branchStates(writes)) {
      this.#act(after.transaction, process)
      const trace = this.of(after.transaction)
      if (after.state === 'prepared') trace.prepared.add(place)
      if (after.state === 'committed') trace.committed.add(place)
    }
    for (const { after } of logStates(writes)) {
      this.#act(after.transaction, process)
      const trace = this.of(after.transaction)
      const isLocal = (each: string) => each === 'order' && after.transaction.startsWith('order.')
      trace.orderId = after.orderId
      trace.remote = after.branches.filter(({ service: each }) => !isLocal(each)).length
      if (after.decided === 'committed') trace.isDecided = true
    }
  }

  #act(transaction: string, process: string): void {
    this.#actors.set(`${transaction} ${process.slice(0, process.lastIndexOf('-'))}`, process)
  }
}
