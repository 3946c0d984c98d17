/**
 * The bus port: carries messages between services.
 *
 * Promise: at best at least once. Any adapter may lose, repeat, delay and reorder messages, and
 * nothing in Till is correct only because it did not: correctness rests on the decision log, the
 * participants' records and resending. Messages must not be mutated after they are sent.
 *
 * A topic's partitions are spread over its consumers; who holds a partition may change at any time,
 * and for a moment two may believe they hold it (the storage fences such a zombie, not the bus).
 * Adapter: local.ts. The suite that every adapter passes: conformance.ts.
 */
import type { Address, Message, Topic } from '../../protocol/messages.ts'
import type { Health } from '../runtime/health.ts'
import type { Metric } from '../runtime/metric.ts'

export interface Consumer {
  /** This instance now holds `partition`. Messages follow once it resolves. */
  assigned?(partition: number): Promise<void> | void
  /** This instance no longer holds `partition`. */
  revoked?(partition: number): Promise<void> | void
  /**
   * Messages of one partition, those of one tick together. They are acknowledged when this
   * resolves, so effects must be durable by then; if it rejects they come again.
   */
  receive(partition: number, messages: readonly Message[]): Promise<void> | void
}

export interface Subscription {
  /** Stops receiving; resolves when `receive` calls under way have ended. */
  close(): Promise<void>
}

export interface Bus {
  /** Where answers meant for this instance alone are sent. */
  readonly inbox: Address
  /**
   * Queues a message; those to one (topic, partition) of one tick travel together. Never throws and
   * tells nothing: a message that is lost is sent again by whoever needs it.
   */
  send(topic: Topic, partition: number, message: Message): void
  consume(topic: Topic, consumer: Consumer): Promise<Subscription>
  /** Whether it can be used now. An adapter without it can be used for as long as it is open. */
  health?(): Health
  /** What it counts; the same list whenever it is read. */
  readonly metrics?: readonly Metric[]
  /** Sends what is queued, then stops every subscription. */
  close(): Promise<void>
}
