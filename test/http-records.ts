/** The records of a running shop, read page by page through its internal routes. */
import assert from 'node:assert/strict'
import { Pool } from 'undici'
import type { State } from '../protocol/protocol.ts'
import type { Kind, Page, ShopRecords } from './records.ts'

const paths: Readonly<Record<Kind, string>> = {
  orders: '/internal/order/orders',
  items: '/internal/stock/items',
  users: '/internal/payment/users',
  orderBranches: '/internal/order/branches',
  stockBranches: '/internal/stock/branches',
  paymentBranches: '/internal/payment/branches',
}

const coordinators = ['order', 'orchestrator']
const participants = ['order', 'stock', 'payment']

interface RecordsPage<K extends Kind> {
  readonly records: Page<K>
  readonly partitions: number
  readonly pageSize: number
}

/** `origin` is that of the internal server. */
export function httpRecords(origin: string): ShopRecords {
  const pool = new Pool(origin, { connections: 4 })

  async function read<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    const { statusCode, body } = await pool.request({ method: 'GET', path, query })
    const text = await body.text()
    assert.equal(statusCode, 200, `GET ${path}: ${statusCode} ${text}`)
    return JSON.parse(text)
  }

  async function* pages<K extends Kind>(kind: K): AsyncIterable<Page<K>> {
    let partitions = 1
    for (let partition = 0; partition < partitions; partition++) {
      let after: string | undefined
      for (let isLast = false; !isLast; ) {
        const page: RecordsPage<K> = await read(paths[kind], {
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

  return {
    pages,
    async open() {
      const lists = await Promise.all(
        coordinators.map((name) => read<{ open: { state: State }[] }>(`/internal/${name}/open`)),
      )
      return lists.flatMap(({ open }) => open.map(({ state }) => state))
    },
    async alarms() {
      const alarms: Record<string, number> = {}
      const collect = async (path: string, names: readonly string[]) => {
        const counters = await read<Record<string, number>>(path)
        for (const name of names) alarms[`${path} ${name}`] = counters[name] ?? Number.NaN
      }
      await Promise.all([
        ...participants.map((name) =>
          collect(`/internal/${name}/counters`, ['parked', 'recovered']),
        ),
        ...coordinators.map((name) =>
          collect(`/internal/${name}/coordinator-counters`, ['parked', 'contradictions']),
        ),
      ])
      return alarms
    },
    close: () => pool.destroy(),
  }
}
