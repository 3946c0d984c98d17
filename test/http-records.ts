/**
 * The records of a running shop, read page by page through its internal routes. Where the services
 * are processes of their own, each has internal routes of its own; instances of one service share
 * a database, so the first is asked for records, and all for what they have in memory.
 */
import { type Dispatcher, Pool } from 'undici'
import { CommandFailure, exitCodes } from '../cli/failure.ts'
import type { State } from '../protocol/protocol.ts'
import type { Kind, Page, ShopRecords } from './records.ts'

type ServiceName = 'order' | 'payment' | 'stock' | 'orchestrator'

/** Origins of the internal servers, by service: one for each of its instances. */
export type InternalOrigins = Readonly<Record<ServiceName, readonly string[]>>

const places: Readonly<Record<Kind, readonly [ServiceName, string]>> = {
  orders: ['order', '/internal/order/orders'],
  items: ['stock', '/internal/stock/items'],
  users: ['payment', '/internal/payment/users'],
  orderBranches: ['order', '/internal/order/branches'],
  stockBranches: ['stock', '/internal/stock/branches'],
  paymentBranches: ['payment', '/internal/payment/branches'],
}

const coordinators = ['order', 'orchestrator'] as const
const participants = ['order', 'stock', 'payment'] as const

interface RecordsPage<K extends Kind> {
  readonly records: Page<K>
  readonly partitions: number
  readonly pageSize: number
}

const everyAt = (origin: string): InternalOrigins => ({
  order: [origin],
  payment: [origin],
  stock: [origin],
  orchestrator: [origin],
})

/** Every internal server once: services of one process share theirs. */
export const eachOrigin = (origin: string | InternalOrigins): readonly string[] =>
  typeof origin === 'string' ? [origin] : [...new Set(Object.values(origin).flat())]

/** Connections to internal servers that are kept. */
function readerOf(every: readonly string[], withinMs: number) {
  const limits = { headersTimeout: withinMs, bodyTimeout: withinMs }
  const pools = new Map(every.map((each) => [each, new Pool(each, { connections: 4, ...limits })]))
  return {
    async read<T>(from: string, path: string, query = {}): Promise<T> {
      const { statusCode, text } = await answerOf(pools.get(from)!, path, query).catch((error) => {
        throw unanswered(`${from}${path} does not answer (${error.message}).`)
      })
      if (statusCode !== 200) throw unanswered(`${from}${path} answered ${statusCode}: ${text}`)
      return JSON.parse(text)
    },
    async close() {
      await Promise.all(Array.from(pools.values(), (pool) => pool.destroy()))
    },
  }
}

async function answerOf(pool: Dispatcher, path: string, query: Record<string, string>) {
  const { statusCode, body } = await pool.request({ method: 'GET', path, query })
  return { statusCode, text: await body.text() }
}

const unanswered = (what: string) =>
  new CommandFailure(`${what} Does all of the shop run? ./till status`, exitCodes.notAnswering)

interface Owned {
  readonly owned: readonly number[]
  readonly partitions: number
}

/** Whether the instances of a coordinator own all of its partitions between them. */
const ownEvery = (told: readonly { readonly answer: Owned }[]): boolean =>
  new Set(told.flatMap(({ answer }) => answer.owned)).size === told[0]!.answer.partitions

/** A page is read from what is there: who takes longer than this hangs, however busy it is. */
const usuallyWithinMs = 30_000

/**
 * `origin` is that of the one internal server of an embedded shop. Every question throws
 * CommandFailure where a service does not answer it with 200, or not `withinMs`.
 */
export function httpRecords(
  origin: string | InternalOrigins,
  withinMs: number = usuallyWithinMs,
): ShopRecords {
  const origins = typeof origin === 'string' ? everyAt(origin) : origin
  const { read, close } = readerOf(eachOrigin(origin), withinMs)

  async function* pages<K extends Kind>(kind: K): AsyncIterable<Page<K>> {
    const [service, path] = places[kind]
    let partitions = 1
    for (let partition = 0; partition < partitions; partition++) {
      let after: string | undefined
      for (let isLast = false; !isLast; ) {
        const page: RecordsPage<K> = await read(origins[service][0]!, path, {
          partition: String(partition),
          ...(after === undefined ? {} : { after }),
        })
        partitions = page.partitions
        after = page.records.at(-1)?.[0]
        isLast = page.records.length < page.pageSize
        yield page.records
      }
    }
  }

  /** What every instance of these services answers to `/internal/{service}/{what}`. */
  async function readAll<T>(services: readonly ServiceName[], what: string) {
    const asked = services.flatMap((service) =>
      origins[service].map(async (from, index) => {
        const path = `/internal/${service}/${what}`
        return { name: `${path} of instance ${index}`, answer: await read<T>(from, path) }
      }),
    )
    return Promise.all(asked)
  }

  return {
    pages,
    async open() {
      const lists = await readAll<{ open: { state: State }[] }>(coordinators, 'open')
      return lists.flatMap(({ answer }) => answer.open.map(({ state }) => state))
    },
    async isOwned() {
      const told = coordinators.map((service) => readAll<Owned>([service], 'open'))
      return (await Promise.all(told)).every(ownEvery)
    },
    async alarms() {
      const alarms: Record<string, number> = {}
      const collect = async (
        services: readonly ServiceName[],
        what: string,
        names: readonly string[],
      ) => {
        for (const { name, answer } of await readAll<Record<string, number>>(services, what)) {
          for (const each of names) alarms[`${name} ${each}`] = answer[each] ?? Number.NaN
        }
      }
      await collect(participants, 'counters', ['parked', 'recovered'])
      await collect(coordinators, 'coordinator-counters', ['parked', 'contradictions'])
      return alarms
    },
    close,
  }
}
