/**
 * What a service does, told moment by moment: each record that it writes, each message that it
 * hears or sends, each answer to a checkout, before and after. The shipped services run
 * unchanged over ports that are wrapped here, as the simulator does it. Next: points.ts.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Bus } from '../../lib/bus/bus.ts'
import type { CreateService } from '../../lib/engine/process.ts'
import type { Service, ServicePorts } from '../../lib/engine/service.ts'
import { statusOf } from '../../lib/runtime/errors.ts'
import type { Route } from '../../lib/runtime/route.ts'
import type { Draft, Json, Storage } from '../../lib/storage/storage.ts'
import type { Message, Topic } from '../../protocol/messages.ts'

interface Write {
  readonly kind: 'write'
  readonly partition: number
  readonly key: string
  readonly record: Json
  /** What the record was before. */
  readonly former: Json | undefined
}

/** `after` a message was heard: whatever it leads to has been done, and it is acknowledged next. */
interface Hear {
  readonly kind: 'hear'
  readonly topic: Topic
  readonly message: Message
}

/** There is no `after`: a bus that was given a message has not sent it yet. */
interface Send {
  readonly kind: 'send'
  readonly topic: Topic
  readonly message: Message
}

/** Of a checkout. `before`: the handler is done; `after`: the answer is on its way. */
interface Answer {
  readonly kind: 'answer'
  readonly status: number
}

export type Moment = (Write | Hear | Send | Answer) & {
  readonly service: Service['name']
  /** Before a write: its step has run, and nothing of its group is written. After: durable. */
  readonly when: 'before' | 'after'
}

export type Watch = (moment: Moment) => void

/** The same service, watched. */
export function watchedService(create: CreateService, watch: Watch): CreateService {
  return (ports) => {
    let name: Service['name'] | undefined
    // A service says its name when it is made, and does nothing before.
    const tell: Tell = (moment) => name !== undefined && watch({ ...moment, service: name })
    const service = create(watchedPorts(ports, tell))
    name = service.name
    if (name === 'order') watchAnswersSent(tell)
    return { ...service, routes: service.routes.map((route) => watchedRoute(route, tell)) }
  }
}

type Untold<M> = M extends unknown ? Omit<M, 'service'> : never
type Tell = (moment: Untold<Moment>) => void

const watchedPorts = (ports: ServicePorts, tell: Tell): ServicePorts => ({
  ...ports,
  storage: watchedStorage(ports.storage, tell),
  bus: watchedBus(ports.bus, tell),
})

function watchedStorage(storage: Storage, tell: Tell): Storage {
  return {
    partitions: storage.partitions,
    read: (partition, key) => storage.read(partition, key),
    scan: (partition, prefix, options) => storage.scan(partition, prefix, options),
    load: (partition, entries) => storage.load(partition, entries),
    close: () => storage.close(),
    async transact(partition, keys, step) {
      let writes: readonly Write[] = []
      const result = await storage.transact(partition, keys, (draft) => {
        const written = new Map<string, Write>()
        const stepped = step(watchedDraft(partition, draft, written))
        writes = [...written.values()]
        for (const each of writes) tell({ ...each, when: 'before' })
        return stepped
      })
      for (const each of writes) tell({ ...each, when: 'after' })
      return result
    },
  }
}

const watchedDraft = (partition: number, draft: Draft, written: Map<string, Write>): Draft => ({
  get: (key) => draft.get(key),
  put(key, record) {
    const former = written.has(key) ? written.get(key)!.former : draft.get(key)
    draft.put(key, record)
    written.set(key, { kind: 'write', partition, key, record, former })
  },
  delete: (key) => draft.delete(key),
})

function watchedBus(bus: Bus, tell: Tell): Bus {
  return {
    get inbox() {
      return bus.inbox
    },
    close: () => bus.close(),
    send(topic, partition, message) {
      tell({ kind: 'send', when: 'before', topic, message })
      bus.send(topic, partition, message)
    },
    consume(topic, consumer) {
      return bus.consume(topic, {
        assigned: (partition) => consumer.assigned?.(partition),
        revoked: (partition) => consumer.revoked?.(partition),
        async receive(partition, messages) {
          for (const message of messages) tell({ kind: 'hear', when: 'before', topic, message })
          await consumer.receive(partition, messages)
          for (const message of messages) tell({ kind: 'hear', when: 'after', topic, message })
        },
      })
    },
  }
}

const checkoutPath = '/orders/checkout/'

function watchedRoute(route: Route, tell: Tell): Route {
  if (!route.path.startsWith(checkoutPath)) return route
  return {
    ...route,
    async handle(request) {
      const answer = await route.handle(request)
      const status = answer.kind === 'problem' ? statusOf[answer.code] : 200
      tell({ kind: 'answer', when: 'before', status })
      return answer
    },
  }
}

/** Node's own event: the last byte of an answer has been handed to the system. */
export function watchAnswersSent(tell: Tell): void {
  subscribe('http.server.response.finish', (event) => {
    const { request, response } = event as { request: IncomingMessage; response: ServerResponse }
    if (!request.url?.startsWith(checkoutPath)) return
    tell({ kind: 'answer', when: 'after', status: response.statusCode })
  })
}
