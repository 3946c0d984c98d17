/** What the bus over Kafka counts. Samples have bounded labels: the topic, or nothing. */
import type { Topic } from '../../protocol/messages.ts'
import { type Metric, single } from '../runtime/metric.ts'
import type { DeliveryCounts } from './kafka-delivery.ts'
import type { KafkaProducer } from './kafka-producer.ts'

export const newCounts = (): DeliveryCounts => ({
  received: 0,
  poison: 0,
  redelivered: 0,
  givenUp: 0,
})

interface Counted {
  readonly lag: number
  readonly joins?: number
}

export function busMetrics(
  sent: KafkaProducer['counts'],
  counts: DeliveryCounts,
  consumers: ReadonlyMap<Topic, Counted>,
): readonly Metric[] {
  const counter = (name: string, help: string, value: () => number) =>
    single('counter', `till_bus_${name}_total`, help, value)
  return [
    counter('sent_messages', 'Messages given to the broker', () => sent.messages),
    counter('sent_records', 'Records that messages were sent in', () => sent.records),
    counter('sent_requests', 'Requests that records were sent in', () => sent.requests),
    counter('sent_bytes', 'Bytes of the records sent to the broker', () => sent.bytes),
    counter('lost_records', 'Records that the broker did not acknowledge', () => sent.lost),
    counter('dropped', 'Messages that found no consumer or a full queue', () => sent.dropped),
    counter('received_messages', 'Messages handed to consumers', () => counts.received),
    counter('redelivered_messages', 'Messages handed on again', () => counts.redelivered),
    counter('given_up_messages', 'Messages that failed too often', () => counts.givenUp),
    counter('poison_records', 'Records that could not be read', () => counts.poison),
    counter('joins', 'Times this instance joined a group', () =>
      Array.from(consumers.values()).reduce((sum, { joins }) => sum + (joins ?? 0), 0),
    ),
    {
      kind: 'gauge',
      name: 'till_bus_lag_records',
      help: 'Records of partitions held here that are not acknowledged',
      read: () => Array.from(consumers, ([topic, { lag }]) => ({ labels: { topic }, value: lag })),
    },
  ]
}
