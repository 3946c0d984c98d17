/**
 * The branch whose records lie in the coordinator's own storage: the order, where the order service
 * coordinates. Its commands are obeyed inside the very step that writes the decision log, so
 * freezing the order is one write with START and marking it paid one write with DECISION. It needs
 * no record of its own: there is no message that could be lost or repeated.
 */
import { protocols } from '../../protocol/index.ts'
import type { Reply, ServiceName } from '../../protocol/messages.ts'
import type { Domain } from '../../protocol/participant.ts'
import type { Order, State, Step } from '../../protocol/protocol.ts'
import type { Draft, Json } from '../storage/storage.ts'

export interface LocalBranch {
  /** Storage keys of the records that a transaction touches here. */
  keys(state: State): readonly string[]
  /**
   * The step as it stands once every command to this participant has been obeyed, in `draft`, and
   * its reply has been heard; what is left to send goes to others.
   */
  settle(step: Step, draft: Draft): Step
}

export interface LocalBranchOptions<R extends Json> {
  readonly service: ServiceName
  readonly recordKey: (id: string) => string
  readonly domain: Domain<R>
}

export function localBranch<R extends Json>(options: LocalBranchOptions<R>): LocalBranch {
  const { service, recordKey, domain } = options

  const obey = (order: Order, transaction: string, draft: Draft): Reply => {
    const reply = { kind: 'reply', verb: order.verb, transaction, service } as const
    const { partition, entries } = order.branch
    for (const { id, amount } of entries) {
      const record = draft.get<R>(recordKey(id))
      if (order.verb === 'prepare') {
        const held = domain.hold(record, amount, transaction)
        if (held.kind !== 'held') {
          return { ...reply, partition, answer: 'refused', reason: held.reason }
        }
        draft.put(recordKey(id), held.record)
      } else if (record !== undefined && domain.isHeldBy?.(record, transaction)) {
        const end = order.verb === 'commit' ? domain.take : domain.release
        draft.put(recordKey(id), end(record, amount, transaction))
      }
    }
    return { ...reply, partition, answer: order.verb === 'prepare' ? 'yes' : 'done' }
  }

  return {
    keys: (state) =>
      state.branches
        .filter((branch) => branch.service === service)
        .flatMap((branch) => branch.entries.map((entry) => recordKey(entry.id))),
    settle(step, draft) {
      let { state } = step
      const remote: Order[] = []
      const queue = [...step.send]
      for (let order = queue.shift(); order !== undefined; order = queue.shift()) {
        if (order.branch.service !== service) {
          remote.push(order)
          continue
        }
        const next = protocols[state.protocol].on(state, obey(order, state.transaction, draft))
        state = next.state
        queue.push(...next.send)
      }
      return { state, send: remote, durable: true }
    },
  }
}
