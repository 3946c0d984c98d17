/**
 * The gateway's nginx in front of the embedded shop: the contract and the hostile requests as
 * without it, and what it says when a service is away.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { type ErrorCode, statusOf } from '../lib/runtime/errors.ts'
import { createHttpServer, type HttpServer } from '../lib/runtime/http.ts'
import { createLog } from '../lib/runtime/log.ts'
import { problem, type Route, text } from '../lib/runtime/route.ts'
import { contractSuite } from './contract.ts'
import { type HostileRequest, hostileRequests } from './hostile-http.ts'
import { faultsOf } from './hostile-http.wire.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { embeddedShop, type RunningShop } from './running-shop.ts'
import { type Answer, refused, Shop, succeeded } from './shop.ts'
import { range } from './suite.ts'
import { variants } from './variants.ts'

const isThere = (() => {
  try {
    execFileSync('nginx', ['-v'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

if (!isThere) {
  test('NGINX IS NOT INSTALLED: RUN ./till engines install', { skip: !process.env.CI }, () => {
    assert.fail('nginx is not installed')
  })
}

const variant = variants[0]!

interface BehindNginx extends RunningShop {
  /** nginx's. */
  readonly port: number
  /** The shop's own. */
  readonly innerPort: number
}

async function behindNginx(): Promise<BehindNginx> {
  const inner = await embeddedShop(variant)
  const nginx = await startNginx(() => [new URL(inner.shop.origin).host])
  const shop = new Shop(`http://127.0.0.1:${nginx.port}`)
  const close = async () => {
    await shop.close()
    await nginx.close()
    await inner.close()
  }
  const innerPort = Number(new URL(inner.shop.origin).port)
  return { variant, shop, records: inner.records, port: nginx.port, innerPort, close }
}

const codes = Object.keys(statusOf) as ErrorCode[]

/** Each order's checkout ends as its id says: with the problem of this code, or paid. */
const checkoutRoute: Route = {
  ...{ method: 'POST', path: '/orders/checkout/{order_id}', summary: '', answer: 'text' },
  ...{ parameters: { order_id: 'id' }, problems: [], visibility: 'public' },
  async handle({ parameters }) {
    const code = codes.find((each) => each === parameters.id('order_id'))
    return code === undefined ? text('paid') : problem(code, `What is told of ${code}.`)
  },
}

/** In front of an instance: hangs up the first time that a path is asked for, whoever is asked. */
function losesTheFirst(port: number, asked: Set<string>): Server {
  return createServer((socket) => {
    const inner = connect(port, '127.0.0.1')
    socket.on('error', () => {}).once('close', () => inner.destroy())
    inner.on('error', () => {}).pipe(socket)
    socket.on('data', (bytes) => {
      const [line = ''] = bytes.toString('latin1').split('\r\n')
      if (asked.has(line)) inner.write(bytes)
      else socket.destroy()
      asked.add(line)
    })
  }).listen(0, '127.0.0.1')
}

const told = ({ status, type, headers, text: body }: Answer) => ({
  ...{ status, type, body },
  retryAfter: headers['retry-after'],
})

/** Where nginx is right in another way than the services, by the name of the request. */
const differences: Readonly<Record<string, Partial<Pick<HostileRequest, 'right' | 'answers'>>>> = {
  // Taken for an empty header.
  'header without a colon': { right: [404] },
  // It has no status line to be answered with.
  'no version': { right: ['closed'] },
  'length and chunks': { right: [400, 413] },
  // Each gets its answer.
  'pipelines garbage behind a request': { right: [404, 400], answers: 2 },
}

const plain = (line: string, ...headers: string[]) =>
  [`${line} HTTP/1.1`, 'Host: x', ...headers, '', ''].join('\r\n')

/** Requests that a service and nginx in front of it answer differently, each in a right way. */
const otherwise: readonly {
  readonly name: string
  readonly bytes: (item: string) => string
  readonly service: readonly number[]
  readonly nginx: readonly number[]
}[] = [
  {
    name: 'an escape in what is no parameter',
    bytes: (item) => plain(`GET /stock/%66ind/${item}`),
    ...{ service: [200], nginx: [404] },
  },
  {
    name: 'an escaped dot',
    bytes: () => plain('GET /openapi%2Ejson'),
    ...{ service: [200], nginx: [404] },
  },
  {
    name: 'a fragment, which is never sent',
    bytes: (item) => plain(`GET /stock/find/${item}#`),
    ...{ service: [200], nginx: [404] },
  },
  {
    name: 'an empty parameter before a query',
    bytes: () => plain('GET /stock/find/?'),
    ...{ service: [400], nginx: [404] },
  },
  {
    name: 'the whole server, not asked for its OPTIONS',
    bytes: () => plain('GET *'),
    ...{ service: [404], nginx: [400] },
  },
  {
    name: 'TRACE of no route',
    bytes: () => plain('TRACE /nope'),
    ...{ service: [404], nginx: [405] },
  },
  {
    name: 'lines that end without CR',
    bytes: (item) => plain(`GET /stock/find/${item}`).replaceAll('\r', ''),
    ...{ service: [400], nginx: [200] },
  },
  {
    name: 'one byte for no route: nginx refuses more before it looks at the path',
    bytes: () => `${plain('POST /nope', 'Content-Length: 1')}x`,
    ...{ service: [413], nginx: [404] },
  },
  {
    name: 'a body that is expected and empty: nginx bids it come',
    bytes: (item) => plain(`POST /stock/add/${item}/1`, 'Expect: 100-continue'),
    ...{ service: [200], nginx: [100, 200] },
  },
]

/** nginx closes where the services answer 408. */
const asNginxDoes = (hostile: HostileRequest): HostileRequest => {
  const late = hostile.right.includes(408) ? (['closed'] as const) : []
  return { ...hostile, right: [...hostile.right, ...late], ...differences[hostile.name] }
}

describe('nginx', { skip: !isThere, concurrency: 1 }, () => {
  contractSuite('the contract', behindNginx)

  describe('hostile requests', { concurrency: 8 }, () => {
    let running: BehindNginx
    before(async () => {
      running = await behindNginx()
    })
    after(() => running.close())
    for (const hostile of hostileRequests().map(asNginxDoes)) {
      test(`${hostile.name}: ${hostile.right.join(' or ')}`, async () => {
        const target = { host: '127.0.0.1', port: running.port, answerWithinMs: 12_000 }
        assert.deepEqual(await faultsOf(hostile, target), [])
      })
    }
  })

  describe('what is answered otherwise', { concurrency: 1 }, () => {
    let running: BehindNginx
    let item: string
    before(async () => {
      running = await behindNginx()
      item = await running.shop.item(1, 1)
    })
    after(() => running.close())
    for (const { name, bytes, service, nginx } of otherwise) {
      test(`${name}: ${service}, from nginx ${nginx}`, async () => {
        for (const [port, right] of [
          [running.innerPort, service],
          [running.port, nginx],
        ] as const) {
          const send: HostileRequest['send'] = async (wire) => wire.write(bytes(item))
          const hostile = { name, right, answers: right.length, headers: [], send }
          const target = { host: '127.0.0.1', port, answerWithinMs: 12_000 }
          assert.deepEqual(await faultsOf(hostile, target), [])
        }
      })
    }
  })

  describe('services that are away', { concurrency: 1 }, () => {
    let nginx: Nginx
    let shop: Shop
    /** Takes every request and hangs up before it answers. */
    let rude: Server
    before(async () => {
      rude = createServer((socket) => {
        socket.on('error', () => {}).once('data', () => socket.destroy())
      }).listen(0, '127.0.0.1')
      await once(rude, 'listening')
      const { port } = rude.address() as AddressInfo
      nginx = await startNginx((service) => [
        service === 'order' ? `127.0.0.1:${port}` : '127.0.0.1:1',
      ])
      shop = new Shop(`http://127.0.0.1:${nginx.port}`)
    })
    after(async () => {
      await shop.close()
      await nginx.close()
      rude.close()
    })

    test('an answer that was lost is 503 not_known_yet, never a 4xx', async () => {
      for (const path of ['/orders/checkout/1', '/orders/addItem/1/2/3', '/orders/create/1']) {
        const answer = await shop.post(path)
        refused(answer, 503, 'not_known_yet')
        assert.equal(answer.headers['retry-after'], '1')
      }
    })

    test('what was sent to one and not to the next is not known yet', async () => {
      const { port } = rude.address() as AddressInfo
      const half = await startNginx(() => [`127.0.0.1:${port}`, '127.0.0.1:1'])
      const its = new Shop(`http://127.0.0.1:${half.port}`)
      const answer = await its.checkout('1')
      await its.close()
      await half.close()
      refused(answer, 503, 'not_known_yet')
    })

    test('what was not sent, and what only reads, is 503 unavailable', async () => {
      for (const path of ['/stock/add/1/2', '/payment/pay/1/2', '/stock/item/create/1']) {
        refused(await shop.post(path), 503, 'unavailable')
      }
      refused(await shop.get('/orders/find/1'), 503, 'unavailable')
      refused(await shop.get('/stock/find/1'), 503, 'unavailable')
    })
  })

  describe('an answer to a checkout that was lost', { concurrency: 1 }, () => {
    const origins = ['instance', 'steady', 'lossy', 'alone'] as const
    const unavailable = codes.filter((code) => statusOf[code] === 503)
    const lossy: Server[] = []
    const gateways: Nginx[] = []
    let shops: Readonly<Record<(typeof origins)[number], Shop>>
    let instance: HttpServer
    before(async () => {
      const [config, log] = [readConfig({}, {}), createLog('fatal')]
      instance = createHttpServer({ routes: [checkoutRoute], config, log, clock: systemClock })
      const { port } = await instance.listen('127.0.0.1', 0)
      const asked = new Set<string>()
      // One that has lost an answer is not asked again for a second: one for each, and one more.
      for (const _ of range(unavailable.length + 3)) lossy.push(losesTheFirst(port, asked))
      await Promise.all(lossy.map((server) => once(server, 'listening')))
      const addressOf = (its: number) => `127.0.0.1:${its}`
      const addresses = lossy.map((server) => addressOf((server.address() as AddressInfo).port))
      for (const servers of [[addressOf(port)], addresses]) {
        gateways.push(await startNginx(() => servers))
      }
      // As for compose, where a name stands for whoever is there: an address needs no DNS server.
      gateways.push(await startNginx(() => addresses.slice(0, 1), { resolver: '127.0.0.1' }))
      const ports = [port, ...gateways.map((gateway) => gateway.port)]
      const [direct, first, second, third] = ports.map(
        (its) => new Shop(`http://${addressOf(its)}`),
      )
      shops = { instance: direct!, steady: first!, lossy: second!, alone: third! }
    })
    after(async () => {
      for (const name of origins) await shops[name].close()
      for (const nginx of gateways) await nginx.close()
      for (const server of lossy) server.close()
      await instance.close()
    })

    test('none was lost: what the instance says is passed on as it is', async () => {
      for (const id of ['anything', 'insufficient_stock', ...unavailable]) {
        const said = told(await shops.instance.checkout(id))
        assert.deepEqual(told(await shops.steady.checkout(id)), said)
      }
    })

    test('a 503 of who was asked again says nothing of the first time', async () => {
      for (const code of unavailable) {
        refused(await shops.instance.checkout(code), 503, code)
        const answer = await shops.lossy.checkout(code)
        refused(answer, 503, 'not_known_yet')
        assert.equal(answer.headers['retry-after'], '1')
      }
    })

    test('any other answer of who was asked again is the outcome', async () => {
      succeeded(await shops.lossy.checkout('anything'))
      // A single address is tried again too: behind it may be another instance by now.
      succeeded(await shops.alone.checkout('another'))
      const said = told(await shops.instance.checkout('insufficient_stock'))
      assert.deepEqual(told(await shops.lossy.checkout('insufficient_stock')), said)
    })
  })
})
