/**
 * The pure functions in numbers: each distinct question is put to them once, however many states
 * ask it. A step that is wrong by itself is kept in `broken` for the walk to find.
 */
import type { Checkout, Command, Reply } from '../../protocol/messages.ts'
import type { Event } from '../../protocol/protocol.ts'
import type { Variant } from '../draw.ts'
import { Interner } from './interner.ts'
import { checkNode, checkSlot, checkStep } from './invariants.ts'
import type { Ask, Messages } from './messages.ts'
import { type Node, obeyAt } from './node.ts'
import { type Scope, type Setting, settingOf } from './scopes.ts'
import { firstNodes } from './shop.ts'
import {
  awaited,
  begin,
  hear,
  type OrderRecords,
  recover,
  type Slot,
  type SlotStep,
} from './slot.ts'

/** A coordinator's step in numbers; `orders` is the node that holds them. */
export interface Stepped {
  readonly slot: number
  readonly orders: number
  readonly send: readonly number[]
  /** Undefined where nothing is written. */
  readonly written: number | undefined
}

interface Obeyed {
  readonly node: number
  readonly reply: number
}

const stride = 65_536

export class Steps {
  /** `service/partition`, in the order of the nodes; the first are the orders. */
  readonly places: readonly string[]
  readonly firstNodes: readonly number[]
  readonly unbegun: number
  /** Stands for a message: the deadline has passed. */
  readonly deadline = stride - 1
  readonly isLocal: boolean
  /** Steps that are wrong by themselves, since the walk last looked. */
  readonly broken: string[] = []
  readonly #scope: Scope
  readonly #setting: Setting
  readonly #messages: Messages
  readonly #slots = new Interner<Slot>()
  readonly #nodes = new Interner<Node>()
  readonly #stepped = new Map<number, Stepped | null>()
  readonly #obeyed = new Map<number, Obeyed>()
  readonly #recovered = new Map<number, { slot: number; send: readonly number[] }>()
  readonly #awaited = new Map<number, readonly number[]>()

  constructor(scope: Scope, variant: Variant, messages: Messages) {
    this.#scope = scope
    this.#setting = settingOf(variant)
    this.#messages = messages
    this.isLocal = this.#setting.home === 'order'
    const first = firstNodes(scope)
    this.places = first.map(({ service, partition }) => `${service}/${partition}`)
    this.firstNodes = first.map((node) => this.#nodes.numberOf(node))
    this.unbegun = this.#slots.numberOf({})
  }

  slot(number: number): Slot {
    return this.#slots.valueOf(number)
  }

  node(number: number): Node {
    return this.#nodes.valueOf(number)
  }

  numberOf(node: Node): number {
    this.#complain(checkNode(node))
    return this.#nodes.numberOf(node)
  }

  obey(node: number, message: number): Obeyed {
    const key = node * stride + message
    let found = this.#obeyed.get(key)
    if (found === undefined) {
      const command = this.#messages.get(message) as Command
      const obeyed = obeyAt(this.node(node), command)
      if (obeyed.reply.answer === 'parked')
        this.#complain(`parked: ${this.#messages.tell(message)}`)
      if (obeyed.isRecovered) this.#complain('a commit met no prepare')
      found = {
        node: this.numberOf(obeyed.node),
        reply: this.#messages.numberOf(obeyed.reply),
      }
      this.#obeyed.set(key, found)
    }
    return found
  }

  /** What a reply, a request or the deadline does to a transaction; null: nothing. */
  step(slot: number, message: number, orders: number, id: string, order: number): Stepped | null {
    const unbegun = slot === this.unbegun ? (order + 1) * 10 + Number(id[1]) : 0
    const local = this.isLocal ? orders : 0
    const key = ((unbegun * stride + slot) * stride + message) * 4_096 + local
    if (local >= 4_096) throw new Error('Too many states of the orders')
    let found = this.#stepped.get(key)
    if (found === undefined) {
      found = this.#ask(slot, message, orders, id, order)
      this.#stepped.set(key, found)
    }
    return found
  }

  recover(slot: number): { slot: number; send: readonly number[] } {
    let found = this.#recovered.get(slot)
    if (found === undefined) {
      const { slot: next, send } = recover(this.slot(slot))
      const id = next.memory?.transaction ?? ''
      found = {
        slot: this.#slots.numberOf(next),
        send: send.map((each) => this.#messages.command(id, each)),
      }
      this.#recovered.set(slot, found)
    }
    return found
  }

  awaited(slot: number, id: string): readonly number[] {
    let found = this.#awaited.get(slot)
    if (found === undefined) {
      found = awaited(this.slot(slot)).map((each) => this.#messages.command(id, each))
      this.#awaited.set(slot, found)
    }
    return found
  }

  /** Whether a request waits for this transaction instead of beginning another. */
  joins(slot: number, checkout: Checkout): boolean {
    const { memory, told } = this.slot(slot)
    if (memory === undefined || told !== undefined) return false
    return memory.branches[0]?.entries[0]?.amount === checkout.branches[0]?.entries[0]?.amount
  }

  #ask(slot: number, number: number, orders: number, id: string, order: number): Stepped | null {
    const node = this.node(orders)
    const before = this.slot(slot)
    const records = node.records as OrderRecords
    const message = number === this.deadline ? undefined : this.#messages.get(number)
    let step: SlotStep | undefined
    if (message?.kind === 'ask') {
      const protocol = this.#scope.orders[order]!.protocol ?? this.#setting.protocol
      step = begin(id, protocol, (message as Ask).checkout, records, this.isLocal)
    } else {
      const event: Event = (message as Reply | undefined) ?? { kind: 'deadline' }
      step = hear(before, event, records, this.isLocal)
    }
    if (step === undefined) return null
    this.#complain(checkSlot(step.slot) ?? checkStep(before, step.slot))
    const { written } = step
    return {
      slot: this.#slots.numberOf(step.slot),
      orders: this.#nodes.numberOf({ ...node, records: step.orders }),
      send: step.send.map((each) => this.#messages.command(id, each)),
      written: written === undefined ? undefined : this.#slots.numberOf(written),
    }
  }

  #complain(text: string | undefined): void {
    if (text !== undefined) this.broken.push(text)
  }
}
