/**
 * The in-process bus: messages of one tick to one (topic, partition) arrive together in the next.
 *
 * Promise: what bus.ts says. While the process lives it loses nothing, but a consumer must not rely
 * on that; what is queued dies with the process. Every partition is held by the one consumer of its
 * topic. A partition's queue is bounded by `queueLimit`: what does not fit is dropped and counted,
 * and the sender's resending brings it back.
 */
import type { Message, Topic } from '../../protocol/messages.ts'
import { ShopError } from '../runtime/errors.ts'
import { single } from '../runtime/metric.ts'
import type { Bus, Consumer, Subscription } from './bus.ts'

interface Lane {
  readonly partition: number
  readonly consumer: Consumer
  queue: Message[]
  isScheduled: boolean
  /** `receive` calls under way. */
  running: number
  /** Close waits for the last of them. */
  onIdle: (() => void) | undefined
}

export interface LocalBusOptions {
  readonly partitions: number
  /** Messages waiting in one partition; more are dropped. */
  readonly queueLimit?: number
  /** A consumer's `receive` rejected; its messages are lost, as the port allows. */
  onError(topic: Topic, error: unknown): void
}

const defaultQueueLimit = 100_000
const droppedHelp = 'Messages that found no consumer or a full queue'

export interface LocalBus extends Bus {
  /** Messages that found no consumer or a full queue. */
  readonly dropped: number
}

export function openLocalBus(options: LocalBusOptions): LocalBus {
  const queueLimit = options.queueLimit ?? defaultQueueLimit
  const lanes = new Map<Topic, Lane[]>()
  let dropped = 0

  const deliver = (topic: Topic, lane: Lane) => {
    lane.isScheduled = false
    const messages = lane.queue
    lane.queue = []
    lane.running++
    void Promise.resolve()
      .then(() => lane.consumer.receive(lane.partition, messages))
      .catch((error) => options.onError(topic, error))
      .finally(() => {
        if (--lane.running === 0) lane.onIdle?.()
      })
  }

  const send = (topic: Topic, partition: number, message: Message) => {
    const lane = lanes.get(topic)?.[partition]
    if (lane === undefined || lane.queue.length >= queueLimit) {
      dropped++
      return
    }
    lane.queue.push(message)
    if (lane.isScheduled) return
    lane.isScheduled = true
    setImmediate(deliver, topic, lane)
  }

  const consume = async (topic: Topic, consumer: Consumer): Promise<Subscription> => {
    if (lanes.has(topic)) {
      throw new ShopError('internal', `The local bus already has a consumer of ${topic}.`)
    }
    const count = topic === 'inbox' ? 1 : options.partitions
    const own = Array.from({ length: count }, (_, partition) => laneOf(partition, consumer))
    for (const lane of own) await consumer.assigned?.(lane.partition)
    lanes.set(topic, own)
    const close = async () => {
      if (lanes.get(topic) === own) lanes.delete(topic)
      for (const lane of own) {
        if (lane.queue.length > 0) deliver(topic, lane)
        await idle(lane)
        await consumer.revoked?.(lane.partition)
      }
    }
    let closing: Promise<void> | undefined
    const subscription = { close: () => (closing ??= close()) }
    subscriptions.push(subscription)
    return subscription
  }

  const subscriptions: Subscription[] = []
  return {
    inbox: { topic: 'inbox', partition: 0 },
    get dropped() {
      return dropped
    },
    send,
    consume,
    metrics: [single('counter', 'till_bus_dropped_total', droppedHelp, () => dropped)],
    close: async () => {
      for (const each of subscriptions) await each.close()
    },
  }
}

const laneOf = (partition: number, consumer: Consumer): Lane => ({
  ...{ partition, consumer },
  queue: [],
  isScheduled: false,
  running: 0,
  onIdle: undefined,
})

const idle = (lane: Lane) =>
  new Promise<void>((resolve) => {
    if (lane.running === 0) resolve()
    else lane.onIdle = resolve
  })
