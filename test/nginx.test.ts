/**
 * The gateway's nginx in front of the embedded shop: the contract and the hostile requests as
 * without it, and what it says when a service is away.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { contractSuite } from './contract.ts'
import { type HostileRequest, hostileRequests } from './hostile-http.ts'
import { faultsOf } from './hostile-http.wire.ts'
import { type Nginx, startNginx } from './nginx.ts'
import { embeddedShop, type RunningShop } from './running-shop.ts'
import { refused, Shop } from './shop.ts'
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

async function behindNginx(): Promise<RunningShop & { readonly port: number }> {
  const inner = await embeddedShop(variant)
  const nginx = await startNginx(() => [new URL(inner.shop.origin).host])
  const shop = new Shop(`http://127.0.0.1:${nginx.port}`)
  const close = async () => {
    await shop.close()
    await nginx.close()
    await inner.close()
  }
  return { variant, shop, records: inner.records, port: nginx.port, close }
}

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

/** nginx closes where the services answer 408. */
const asNginxDoes = (hostile: HostileRequest): HostileRequest => {
  const late = hostile.right.includes(408) ? (['closed'] as const) : []
  return { ...hostile, right: [...hostile.right, ...late], ...differences[hostile.name] }
}

describe('nginx', { skip: !isThere, concurrency: 1 }, () => {
  contractSuite('the contract', behindNginx)

  describe('hostile requests', { concurrency: 8 }, () => {
    let running: Awaited<ReturnType<typeof behindNginx>>
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
      const { port } = rude.address() as { port: number }
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

    test('what was not sent, and what only reads, is 503 unavailable', async () => {
      for (const path of ['/stock/add/1/2', '/payment/pay/1/2', '/stock/item/create/1']) {
        refused(await shop.post(path), 503, 'unavailable')
      }
      refused(await shop.get('/orders/find/1'), 503, 'unavailable')
      refused(await shop.get('/stock/find/1'), 503, 'unavailable')
    })
  })
})
