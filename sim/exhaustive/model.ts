/**
 * The model that is walked: the pure step functions over channels that may do anything, one shop of
 * a scope in one variant. A state is a list of numbers: what may still go wrong, each transaction
 * (slot.ts), each participant partition (node.ts), then the messages on their way, sorted.
 *
 * What can happen in a state: a message arrives (and its receiver may die before its write, or
 * between its write and what follows), is lost, is repeated; the coordinator dies and reads its
 * log; a deadline passes; what is unanswered and not on its way is sent again; a client asks.
 * Timers are not modelled: whatever a timer may do can happen at any time. Next: steps.ts, which
 * runs the pure functions, and walk.ts.
 */
import type { OrderRecord } from '../../order/order.ts'
import type { Checkout, Command } from '../../protocol/messages.ts'
import type { Variant } from '../draw.ts'
import { Interner } from './interner.ts'
import type { Broken } from './invariants.ts'
import { answers, Messages } from './messages.ts'
import { added, replaced } from './node.ts'
import type { Budget, Scope } from './scopes.ts'
import { checkoutOf, orderIdOf } from './shop.ts'
import { StateChecks, type Transaction } from './state-checks.ts'
import { type Stepped, Steps } from './steps.ts'

/** What may still happen that nobody has to. */
interface Left extends Budget {
  readonly asks: readonly number[]
}

/** `isFault`: it need not happen; an end must be reachable without it. */
export type Emit = (next: readonly number[], isFault: boolean, label: number) => void

export class Model {
  readonly #scope: Scope
  readonly #messages = new Messages()
  readonly #steps: Steps
  readonly #left = new Interner<Left>()
  readonly #labels = new Interner<string>()
  readonly #transactions: readonly Transaction[]
  readonly #firstNode: number
  readonly #firstMessage: number
  /** Of states as wholes. */
  readonly checks: StateChecks
  readonly #next: number[] = []
  #emit: Emit = () => {}

  constructor(scope: Scope, variant: Variant) {
    this.#scope = scope
    this.#steps = new Steps(scope, variant, this.#messages)
    // Each arrival of a request begins at most one.
    this.#transactions = scope.orders.flatMap(({ asks }, order) =>
      Array.from({ length: asks + scope.budget.duplicates }, (_, attempt) => ({
        id: `${orderIdOf(order)}${attempt + 1}`,
        order,
      })),
    )
    this.#firstNode = 1 + this.#transactions.length
    this.#firstMessage = this.#firstNode + this.#steps.places.length
    this.checks = new StateChecks(this.#steps, this.#transactions)
  }

  first(): readonly number[] {
    const asks = this.#scope.orders.map((order) => order.asks)
    const left = this.#left.numberOf({ ...this.#scope.budget, asks })
    return [left, ...this.#transactions.map(() => this.#steps.unbegun), ...this.#steps.firstNodes]
  }

  /** What is wrong with a step that was taken since this was last asked. */
  broken(): Broken {
    return this.#steps.broken.length === 0 ? undefined : this.#steps.broken.splice(0)[0]
  }

  tellLabel(label: number): string {
    return this.#labels.valueOf(label)
  }

  /** Calls `emit` for everything that can happen; it must copy what it keeps. */
  successors(state: readonly number[], emit: Emit): void {
    this.#emit = emit
    const left = this.#left.valueOf(state[0]!)
    for (let index = this.#firstMessage; index < state.length; index++) {
      // Equal copies have equal fates.
      if (state[index] === state[index - 1] && index > this.#firstMessage) continue
      this.#fates(state, index, left)
    }
    if (left.crashes > 0) {
      this.#copy(state, 'crashes')
      this.#recoverAll()
      this.#give(true, 'the coordinator dies and reads its log')
    }
    for (let slot = 1; slot < this.#firstNode; slot++) this.#timers(state, slot, left)
    this.#clients(state, left)
  }

  #copy(state: readonly number[], spent?: keyof Budget): void {
    this.#next.length = 0
    for (const each of state) this.#next.push(each)
    if (spent === undefined) return
    const left = this.#left.valueOf(state[0]!)
    this.#next[0] = this.#left.numberOf({ ...left, [spent]: left[spent] - 1 })
  }

  /** Among the messages, which stay sorted. */
  #send(messages: readonly number[]): void {
    const next = this.#next
    for (const message of messages) {
      let index = next.length
      while (index > this.#firstMessage && next[index - 1]! > message) {
        next[index] = next[index - 1]!
        index--
      }
      next[index] = message
    }
  }

  #give(isFault: boolean, label: string): void {
    this.#emit(this.#next, isFault, this.#labels.numberOf(label))
  }

  /** Everything that can become of one message on its way. */
  #fates(state: readonly number[], index: number, left: Left): void {
    const message = state[index]!
    const told = this.#messages.tell(message)
    if (left.losses > 0) {
      this.#copy(state, 'losses')
      this.#next.splice(index, 1)
      this.#give(true, `lost: ${told}`)
    }
    if (left.duplicates > 0) {
      this.#copy(state, 'duplicates')
      this.#send([message])
      this.#give(true, `repeated: ${told}`)
    }
    this.#arrive(state, index)
    this.#give(false, told)
    if (left.crashes === 0) return
    const { kind } = this.#messages.get(message)
    this.#copy(state, 'crashes')
    this.#next.splice(index, 1)
    if (kind !== 'command') this.#recoverAll()
    this.#give(true, `its receiver dies before it writes: ${told}`)
    if (this.#arriveAndDie(state, index)) {
      this.#give(true, `its receiver dies when it has written: ${told}`)
    }
  }

  #arrive(state: readonly number[], index: number): void {
    const number = state[index]!
    const message = this.#messages.get(number)
    this.#copy(state)
    this.#next.splice(index, 1)
    if (message.kind === 'command') {
      const node = this.#nodeOf(message)
      const obeyed = this.#steps.obey(state[node]!, number)
      this.#next[node] = obeyed.node
      this.#send([obeyed.reply])
      return
    }
    const slot = this.#slotOf(state, number)
    const stepped = slot === undefined ? null : this.#step(state, slot, number)
    if (stepped !== null) this.#take(slot!, stepped)
  }

  /** False where nothing is written. */
  #arriveAndDie(state: readonly number[], index: number): boolean {
    const number = state[index]!
    const message = this.#messages.get(number)
    if (message.kind === 'command') {
      const node = this.#nodeOf(message)
      const obeyed = this.#steps.obey(state[node]!, number)
      if (obeyed.node === state[node]) return false
      this.#copy(state, 'crashes')
      this.#next.splice(index, 1)
      this.#next[node] = obeyed.node
      return true
    }
    const slot = this.#slotOf(state, number)
    const stepped = slot === undefined ? null : this.#step(state, slot, number)
    if (stepped?.written === undefined) return false
    this.#copy(state, 'crashes')
    this.#next.splice(index, 1)
    this.#next[slot!] = stepped.written
    if (this.#steps.isLocal) this.#next[this.#firstNode] = stepped.orders
    this.#recoverAll()
    return true
  }

  #take(slot: number, stepped: Stepped): void {
    this.#next[slot] = stepped.slot
    if (this.#steps.isLocal) this.#next[this.#firstNode] = stepped.orders
    this.#send(stepped.send)
  }

  /** The coordinator forgets what is not in its log, and drives on the rest. */
  #recoverAll(): void {
    for (let slot = 1; slot < this.#firstNode; slot++) {
      const recovered = this.#steps.recover(this.#next[slot]!)
      this.#next[slot] = recovered.slot
      this.#send(recovered.send)
    }
  }

  #nodeOf({ branch }: Command): number {
    return this.#firstNode + this.#steps.places.indexOf(`${branch.service}/${branch.partition}`)
  }

  /** Whom a reply or a request is for; undefined where it joins what is open. */
  #slotOf(state: readonly number[], number: number): number | undefined {
    const message = this.#messages.get(number)
    if (message.kind === 'reply') {
      return 1 + this.#transactions.findIndex(({ id }) => id === message.transaction)
    }
    if (message.kind !== 'ask') return undefined
    const own = this.#transactions.flatMap(({ order }, index) =>
      orderIdOf(order) === message.checkout.orderId ? [1 + index] : [],
    )
    const joined = own.some((slot) => this.#steps.joins(state[slot]!, message.checkout))
    return joined ? undefined : own.find((slot) => state[slot] === this.#steps.unbegun)
  }

  #step(state: readonly number[], slot: number, message: number): Stepped | null {
    const { id, order } = this.#transactions[slot - 1]!
    return this.#steps.step(state[slot]!, message, state[this.#firstNode]!, id, order)
  }

  #timers(state: readonly number[], slot: number, left: Left): void {
    const number = state[slot]!
    const { id } = this.#transactions[slot - 1]!
    if (left.deadlines > 0) {
      const stepped = this.#step(state, slot, this.#steps.deadline)
      if (stepped !== null) {
        this.#copy(state, 'deadlines')
        this.#take(slot, stepped)
        this.#give(true, `deadline of ${id}`)
      }
    }
    const missing = this.#steps.awaited(number, id).filter((each) => !this.#isOnItsWay(state, each))
    if (missing.length === 0) return
    this.#copy(state)
    this.#send(missing)
    this.#give(false, `sent again: what ${id} waits for`)
  }

  /** Itself, or its answer. */
  #isOnItsWay(state: readonly number[], number: number): boolean {
    const command = this.#messages.get(number) as Command
    for (let index = this.#firstMessage; index < state.length; index++) {
      if (state[index] === number) return true
      if (answers(this.#messages.get(state[index]!), command)) return true
    }
    return false
  }

  #clients(state: readonly number[], left: Left): void {
    const orders = this.#steps.node(state[this.#firstNode]!)
    for (const [index, asks] of left.asks.entries()) {
      if (asks === 0) continue
      const id = orderIdOf(index)
      const order = orders.records[id] as OrderRecord
      if (order.paid !== undefined) continue
      this.#copy(state)
      this.#next[0] = this.#left.numberOf({ ...left, asks: left.asks.with(index, asks - 1) })
      const checkout: Checkout = checkoutOf(id, order)
      this.#send([this.#messages.numberOf({ kind: 'ask', checkout })])
      this.#give(false, `a client asks to check out ${id}`)
    }
    if (left.additions > 0) {
      const node = added(orders, orderIdOf(0), 'x')
      if (node !== undefined) this.#change(state, 'additions', 0, this.#steps.numberOf(node))
    }
    if (left.replacements > 0) {
      const node = replaced(this.#steps.node(state[this.#firstNode + 1]!), 'x', this.#scope.stock)
      this.#change(state, 'replacements', 1, this.#steps.numberOf(node))
    }
  }

  #change(state: readonly number[], what: keyof Budget, place: number, node: number): void {
    this.#copy(state, what)
    this.#next[this.#firstNode + place] = node
    this.#give(true, what === 'additions' ? 'a client adds an item' : 'an item is replaced')
  }
}
