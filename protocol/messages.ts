/**
 * The words of a checkout, and everything that is said about one on the bus.
 *
 * transaction  one checkout attempt; its id is also its idempotency key everywhere
 * coordinator  decides; it lives in the order service or in the orchestrator (its *home*)
 * participant  owns records (items, users, orders) and obeys
 * branch       the part of a transaction at one participant partition (X/Open's word), aggregated
 * command      coordinator to participant; reply: participant to coordinator
 * vote         the answer to prepare: yes, refused (for good) or busy (others' holds are there)
 * hold         what a prepared branch has set aside: others see it and cannot take it
 * pivot        the saga's payment: before it only back (compensate), after it only forward
 * outcome      committed, or aborted with a reason: the same two words in both protocols
 * tombstone    remembers that a branch ended before its first command came
 * park         keep a contradiction as it is, for a person
 * inquiry      a participant asks what became of a branch that it holds undecided
 * epoch        the number of an ownership of a coordinator partition; only the newest can write
 * generation   which batch_init a record is of: what began on another does not touch it
 * mark         a coordinator partition's low-water mark: every transaction below it has ended
 *
 * Pure data: no clock, no randomness, no I/O. Next: protocol.ts.
 */

export type ProtocolName = '2pc' | 'saga'

/** Who holds the decision log of a transaction. It is part of the transaction's id. */
export type Home = 'order' | 'orchestrator'

/** Who owns records that take part in a checkout. */
export type ServiceName = 'order' | 'stock' | 'payment'

/** `home.partition.epoch.sequence`, for example `order.3.2.1045`; see transaction-id.ts. */
export type TransactionId = string

/**
 * One record that a branch touches: units of an item, credit of a user, or the version of an order.
 */
export interface Entry {
  readonly id: string
  readonly amount: number
}

export interface Branch {
  readonly service: ServiceName
  readonly partition: number
  readonly entries: readonly Entry[]
}

/** What a coordinator is asked to run: every branch of one attempt to pay one order. */
export interface Checkout {
  readonly orderId: string
  /** Always exactly one branch of `order`, at least one of `stock` and one of `payment`. */
  readonly branches: readonly Branch[]
  /** The order is paid by this transaction already: nothing is run, its end is waited for. */
  readonly paidBy?: TransactionId
}

/** Stable codes of a refused or aborted checkout; errors.ts maps them to HTTP. */
export type Reason =
  | 'insufficient_stock'
  | 'insufficient_credit'
  | 'unknown_item'
  | 'unknown_user'
  | 'unknown_order'
  | 'already_paid'
  | 'order_changed'
  | 'in_checkout'
  | 'overflow'
  | 'busy'
  | 'timed_out'
  | 'ended'
  | 'overloaded'

export type Outcome =
  | { readonly kind: 'committed'; readonly transaction: TransactionId }
  | { readonly kind: 'aborted'; readonly transaction: TransactionId; readonly reason: Reason }

export type Verb = 'prepare' | 'commit' | 'abort' | 'execute' | 'compensate'

export interface Command {
  readonly kind: 'command'
  readonly verb: Verb
  readonly transaction: TransactionId
  /** The whole branch travels with every command, so that each can be obeyed on its own. */
  readonly branch: Branch
  /** Low-water mark of the sending coordinator partition, a key of transaction-id.ts. */
  readonly mark: string
  /** The sender's number of this sending, which the reply repeats. */
  readonly sent?: number
}

/**
 * `yes` answers prepare and execute; `refused` says it could not succeed now, `busy` that only
 * what others hold stands in the way; `done` answers commit, abort and compensate; `parked` says
 * that the command contradicts what this participant knows and was put aside with its evidence.
 */
export type Answer = 'yes' | 'refused' | 'busy' | 'done' | 'parked'

export interface Reply {
  readonly kind: 'reply'
  readonly verb: Verb
  readonly transaction: TransactionId
  readonly service: ServiceName
  readonly partition: number
  readonly answer: Answer
  readonly reason?: Reason
  /** Of the command that it answers. */
  readonly sent?: number
}

/** A participant with an old undecided branch asks what became of its transaction. */
export interface Inquiry {
  readonly kind: 'inquiry'
  readonly transaction: TransactionId
  readonly branch: Branch
  /** What would undo it: abort where it is prepared, compensate where it is executed. */
  readonly undo: 'abort' | 'compensate'
}

/** Where an answer is wanted: a topic and one of its partitions. */
export interface Address {
  readonly topic: Topic
  readonly partition: number
}

/** An order service asks a coordinator elsewhere to run a checkout; repeated until answered. */
export interface CheckoutRequest {
  readonly kind: 'checkout'
  readonly id: string
  readonly checkout: Checkout
  readonly replyTo: Address
}

export interface CheckoutAnswer {
  readonly kind: 'outcome'
  readonly id: string
  readonly outcome: Outcome
}

/** The order service asks stock what an item costs. */
export interface PriceRequest {
  readonly kind: 'price'
  readonly id: string
  readonly itemId: string
  readonly replyTo: Address
}

export interface PriceAnswer {
  readonly kind: 'priced'
  readonly id: string
  /** Absent where the item is unknown. */
  readonly price?: number
}

export type Message =
  | Command
  | Reply
  | Inquiry
  | CheckoutRequest
  | CheckoutAnswer
  | PriceRequest
  | PriceAnswer

/**
 * `stock`, `payment`, `order`: commands to participants, by their partition.
 * `order-coordinator`, `orchestrator`: replies, inquiries and checkout requests, by coordinator
 * partition. `inbox`: answers to one asking instance.
 */
export type Topic = ServiceName | 'order-coordinator' | 'orchestrator' | 'inbox'

/** The topic on which the coordinators of a home listen. */
export const coordinatorTopic = (home: Home): Topic =>
  home === 'order' ? 'order-coordinator' : 'orchestrator'
