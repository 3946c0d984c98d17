/**
 * One transaction as its coordinator has it: what is in memory, what is in the log, what the client
 * was told. Each step is the protocol's own, settled by the engine's own local branch where the
 * order lies in the coordinator's database; nothing here knows what a protocol means.
 */
import { type LocalBranch, localBranch } from '../../lib/engine/local-branch.ts'
import type { Draft, Json } from '../../lib/storage/storage.ts'
import { type OrderRecord, orderDomain } from '../../order/order.ts'
import { orderKey } from '../../order/orders.ts'
import { protocols } from '../../protocol/index.ts'
import type { Checkout, ProtocolName } from '../../protocol/messages.ts'
import {
  type Event,
  type Order,
  outcomeOf,
  type State,
  type Step,
} from '../../protocol/protocol.ts'

export interface Slot {
  /** Absent where nothing is open. */
  readonly memory?: State
  readonly log?: State
  readonly told?: 'committed' | 'aborted'
}

export type OrderRecords = Readonly<Record<string, OrderRecord>>

/** What one event does to a transaction, and to the orders where they lie beside the log. */
export interface SlotStep {
  readonly slot: Slot
  readonly orders: OrderRecords
  readonly send: readonly Order[]
  /** As after a crash between the write and whatever follows it; absent without a write. */
  readonly written?: Slot
}

const local: LocalBranch = localBranch({
  service: 'order',
  recordKey: orderKey,
  domain: orderDomain,
})

function settle(step: Step, orders: OrderRecords): { step: Step; orders: OrderRecords } {
  const changed = { ...orders }
  const idOf = (key: string) => key.slice(orderKey('').length)
  const draft: Draft = {
    get: (key) => changed[idOf(key)] as never,
    put: (key, record: Json) => {
      changed[idOf(key)] = record as OrderRecord
    },
    delete: (key) => {
      throw new Error(`An order is never deleted: ${key}`)
    },
  }
  return { step: local.settle(step, draft), orders: changed }
}

/** What is told as early as an answer can be given: when the outcome has just been decided. */
function open(state: State, log: State | undefined, told: Slot['told']): Slot {
  const answer = told ?? outcomeOf(state)?.kind
  return {
    ...(state.phase === 'ended' ? {} : { memory: state }),
    ...(log === undefined ? {} : { log }),
    ...(answer === undefined ? {} : { told: answer }),
  }
}

function take(slot: Slot, step: Step, orders: OrderRecords, isLocal: boolean): SlotStep {
  if (!step.durable) return { slot: open(step.state, slot.log, slot.told), orders, send: step.send }
  const settled = isLocal ? settle(step, orders) : { step, orders }
  const { state, send } = settled.step
  const isRefusedAtOnce = isLocal && step.state.decided === undefined && state.decided === 'aborted'
  if (isRefusedAtOnce) {
    const told = { told: 'aborted' } as const
    return { slot: told, orders, send: [] }
  }
  return {
    slot: open(state, state, slot.told),
    orders: settled.orders,
    send,
    written: { log: state, ...(slot.told === undefined ? {} : { told: slot.told }) },
  }
}

export function begin(
  transaction: string,
  protocol: ProtocolName,
  checkout: Checkout,
  orders: OrderRecords,
  isLocal: boolean,
): SlotStep {
  return take({}, protocols[protocol].begin(transaction, checkout), orders, isLocal)
}

/** Undefined where the event changes nothing. */
export function hear(
  slot: Slot,
  event: Event,
  orders: OrderRecords,
  isLocal: boolean,
): SlotStep | undefined {
  const { memory } = slot
  if (memory === undefined) return undefined
  const step = protocols[memory.protocol].on(memory, event)
  return step.state === memory ? undefined : take(slot, step, orders, isLocal)
}

/** The coordinator has died and reads its log: what has not ended is open, and is driven on. */
export function recover({ log, told }: Slot): { slot: Slot; send: readonly Order[] } {
  if (log === undefined) return { slot: told === undefined ? {} : { told }, send: [] }
  const send = protocols[log.protocol].pending(log)
  return { slot: open(log, log, told), send }
}

/** Every command whose answer is missing. */
export const awaited = ({ memory }: Slot): readonly Order[] =>
  memory === undefined ? [] : protocols[memory.protocol].pending(memory)
