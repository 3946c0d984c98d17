/**
 * What the load generator costs, a request, with three clients: why connection.ts is what it is.
 *
 *   node_modules/.bin/node bench/generator-cost.ts      measures, and keeps the table of README.md
 *
 * Each asks the same small server, in a process of its own, over 64 keep-alive connections without
 * pipelining; in turn, five times, because other work on the machine varies. CPU is what counts
 * here, of this process alone: it shares its cores with the shop that is measured.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool } from 'undici'
import { table } from '../cli/print.ts'
import { Connection } from './connection.ts'
import { environment } from './environment.ts'
import { keepResult, refreshReadme } from './results.ts'
import { median } from './statistics.ts'

const connections = 64
const requests = 50_000
const rounds = 5
const path = '/orders/checkout/12345'

/** Sends one request and calls `answered` when its body has come. */
type Send = (answered: () => void) => void

interface Client {
  readonly name: string
  /** `send` of each connection, and how to let go of them. */
  open(origin: string): { sends: readonly Send[]; close(): unknown }
}

const times = <T>(make: () => T) => Array.from({ length: connections }, make)

const clients: readonly Client[] = [
  {
    name: 'connection.ts, on net.Socket',
    open(origin) {
      const all = times(() => new Connection(origin))
      return {
        sends: all.map((each) => (answered) => each.send('POST', path, answered)),
        close: () => all.map((each) => each.close()),
      }
    },
  },
  {
    name: 'undici, Pool.dispatch',
    open(origin) {
      const pool = new Pool(origin, { connections, pipelining: 1 })
      const send: Send = (answered) =>
        pool.dispatch(
          { method: 'POST', path },
          {
            onRequestStart() {},
            onResponseStart() {},
            onResponseData() {},
            onResponseEnd: answered,
            onResponseError(_, error) {
              throw error
            },
          },
        )
      return { sends: times(() => send), close: () => pool.destroy() }
    },
  },
  {
    name: 'node:http, Agent',
    open(origin) {
      const agent = new Agent({ keepAlive: true, maxSockets: connections })
      const { hostname: host, port } = new URL(origin)
      const options = { method: 'POST', host, port, path, agent, headers: { 'content-length': 0 } }
      const send: Send = (answered) =>
        request(options, (response) => response.resume().on('end', answered)).end()
      return { sends: times(() => send), close: () => agent.destroy() }
    },
  },
]

/** User and system time of this process for each request, in microseconds. */
async function costOf(client: Client, origin: string): Promise<number> {
  const { sends, close } = client.open(origin)
  const { promise, resolve } = Promise.withResolvers<void>()
  let begun = 0
  let ended = 0
  const before = process.cpuUsage()
  for (const send of sends) {
    const proceed = () => {
      if (++ended === requests) resolve()
      if (begun++ < requests) send(proceed)
    }
    begun++
    send(proceed)
  }
  await promise
  const { user, system } = process.cpuUsage(before)
  close()
  return (user + system) / requests
}

async function serve(): Promise<void> {
  const body = 'Order 12345 is paid'
  const server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Type': 'text/plain', 'Content-Length': body.length })
    response.end(body)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  process.send?.((server.address() as AddressInfo).port)
  process.once('disconnect', () => process.exit())
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, ['serve'])
  const [port] = await once(child, 'message')
  const costs = clients.map(() => [] as number[])
  for (let round = 0; round < rounds; round++) {
    for (const [index, client] of clients.entries()) {
      costs[index]!.push(await costOf(client, `http://127.0.0.1:${port}`))
    }
  }
  child.disconnect()
  const head = ['client', 'CPU µs a request', 'of the first']
  const middle = costs.map(median)
  const rows = clients.map(({ name }, index) => [
    name,
    middle[index]!.toFixed(1),
    (middle[index]! / middle[0]!).toFixed(1),
  ])
  const where = environment()
  const caption =
    `Median of ${rounds} rounds of ${requests.toLocaleString('en-US')} requests over ` +
    `${connections} connections; ${where.processor}, Node ${where.node}.`
  keepResult({ name: 'generator', caption, head, rows, details: { environment: where, costs } })
  refreshReadme()
  console.log(table(head, rows))
}

await (process.argv[2] === 'serve' ? serve() : measure())
