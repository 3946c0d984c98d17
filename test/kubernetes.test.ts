/**
 * k8s/ on a real cluster, in two variants: the suites of the contract through the gateway, every
 * service updated under load to the opposite variant without one failed checkout, pods deleted
 * under load, and the full check. It needs kubectl, a cluster that it speaks to, and the image
 * till:latest in it.
 */
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parseAllDocuments } from 'yaml'
import { findInconsistencies } from '../bench/consistency.ts'
import { concurrencySuite } from './concurrency.ts'
import { contractSuite } from './contract.ts'
import { httpRecords } from './http-records.ts'
import { Cluster, hasCluster, kubectl } from './kubernetes-cluster.ts'
import { render, type Yaml } from './kustomize.ts'
import { microservicesSuite } from './microservices.ts'
import type { ShopRecords } from './records.ts'
import type { RunningShop } from './running-shop.ts'
import { Shop } from './shop.ts'
import { root } from './source-files.ts'
import { SteadyLoad } from './steady-load.ts'
import { assertSound } from './suite.ts'
import { type Variant, variants } from './variants.ts'

const services = ['order', 'payment', 'stock', 'orchestrator'] as const
const orders = 60_000
/** Of the load before and after each event. */
const paidBetween = 100
/** From a pod's end to the next success; what it is on a busy machine is not gated. */
const recoversWithinMs = 120_000

class KubernetesShop implements RunningShop {
  /** What new checkouts are; an update may change it. */
  variant: Variant
  readonly cluster = new Cluster()
  #shop: Shop | undefined
  #records: ShopRecords | undefined

  constructor(variant: Variant) {
    this.variant = variant
  }

  get shop(): Shop {
    return this.#shop!
  }

  get records(): ShopRecords {
    return this.#records!
  }

  async start(): Promise<void> {
    await this.cluster.apply(join(root, 'test/kubernetes', this.variant.name.replace('/', '-')))
    this.#shop = new Shop(await this.cluster.gatewayOrigin())
    await this.reconnect()
  }

  /** The internal routes of the pods that run now. */
  async reconnect(): Promise<void> {
    await this.#records?.close()
    this.cluster.closeForwards()
    const originsOf = async (service: string) => {
      const pods = await this.cluster.podsOf(service)
      return Promise.all(pods.map((pod) => this.cluster.forward(pod)))
    }
    const [order, payment, stock, orchestrator] = await Promise.all([
      originsOf('order'),
      originsOf('payment'),
      originsOf('stock'),
      originsOf('orchestrator'),
    ])
    this.#records = httpRecords({ order, payment, stock, orchestrator })
  }

  async close(): Promise<void> {
    await Promise.all([this.#shop?.close(), this.#records?.close()])
    await this.cluster.remove()
  }
}

/** For suites that would close what they have been given. */
const lent = (running: KubernetesShop): RunningShop => ({
  get variant() {
    return running.variant
  },
  get shop() {
    return running.shop
  },
  get records() {
    return running.records
  },
  close: async () => {},
})

/** The other protocol, with the other coordinator. */
const opposite = ({ protocol, coordination }: Variant): Variant =>
  variants.find((each) => each.protocol !== protocol && each.coordination !== coordination)!

function clusterSuite(variant: Variant): void {
  const later = opposite(variant)
  describe(`Kubernetes, ${variant.name}, then ${later.name}`, { concurrency: 1 }, () => {
    const running = new KubernetesShop(variant)
    const { cluster } = running
    const start = async () => lent(running)
    before(() => running.start())
    after(() => running.close())
    let load: SteadyLoad | undefined
    microservicesSuite('microservices', start)
    concurrencySuite('concurrency', start)

    test('the consistency test of the public benchmark', async () => {
      assert.deepEqual(await findInconsistencies(running.shop.origin), {
        stockInAnswers: 0,
        stockInDatabase: 0,
        paymentInAnswers: 0,
        paymentInDatabase: 0,
      })
    })

    test('every service is updated to the other variant, and no checkout fails', async () => {
      const settings = { PROTOCOL: later.protocol, COORDINATION: later.coordination }
      load = await SteadyLoad.prepare(running.shop, orders)
      load.start(running.shop)
      try {
        for (const service of services) {
          await load.untilPaid(paidBetween, recoversWithinMs)
          await cluster.roll(service, settings)
        }
        await load.untilPaid(paidBetween, recoversWithinMs)
      } finally {
        await load.stop()
      }
      const failed = load.answers.filter(({ status }) => status !== 200)
      assert.deepEqual(failed, [], `of ${load.answers.length} checkouts`)
      running.variant = later
      await running.reconnect()
      await assertSound(running, load.expected)
    })

    test('a pod of each kind is deleted under load, and comes again', async () => {
      assert.ok(load, 'the same load goes on, with the orders that are left')
      load.start(running.shop)
      try {
        const databases = services.map((each) => `${each}-db`)
        for (const app of [...services, 'gateway', ...databases, 'kafka']) {
          await load.untilPaid(paidBetween, recoversWithinMs)
          const [pod] = await cluster.podsOf(app)
          await cluster.kill(pod!)
          await load.untilPaid(paidBetween, recoversWithinMs)
          await cluster.untilReady()
        }
      } finally {
        await load.stop()
      }
      assert.ok(
        load.answers.some(({ status }) => status !== 200),
        'no deletion was ever felt',
      )
      await running.reconnect()
      await assertSound(running, load.expected)
    })

    // Its batch_init replaces paid orders, which the full check could not tell from lost ones.
    contractSuite('contract', start)
  })
}

/** Names as they are without the hash of their content. */
function unhashed(text: string, generated: readonly string[]): string {
  const names = generated.join('|')
  return text.replace(new RegExp(`(name: (?:${names}))-[0-9a-z]{10}\\b`, 'g'), '$1')
}

/** Lists of named things in the order of their names. */
function sorted(value: Yaml): Yaml {
  if (Array.isArray(value)) return value.map(sorted).toSorted(byName)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, each]) => [key, sorted(each)] as const)
  return Object.fromEntries(entries)
}

function byName(a: Yaml, b: Yaml): number {
  const key = (each: Yaml) => `${each?.kind ?? ''} ${each?.metadata?.name ?? each?.name ?? ''}`
  return key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0
}

const isThere = await hasCluster()
const how = 'install kubectl, point KUBECONFIG at a cluster, and put the image till:latest in it'
if (!isThere && process.env.CI === 'true') throw new Error(`NO KUBERNETES HERE: ${how}`)
const skip = isThere ? false : `KUBERNETES IS NOT TESTED. To test it, ${how}.`

describe('what kubectl makes of k8s/', { skip }, () => {
  for (const name of readdirSync(join(root, 'k8s/overlays'))) {
    const folder = join(root, 'k8s/overlays', name)

    test(`${name} is what the static tests read`, async () => {
      const ours = render(folder)
      const maps = ours.filter(({ kind }) => kind === 'ConfigMap')
      const text = unhashed(
        await kubectl('kustomize', folder),
        maps.map(({ metadata }) => metadata.name),
      )
      const theirs = parseAllDocuments(text).map((each) => each.toJS())
      assert.deepEqual(sorted(ours), sorted(theirs))
    })
  }
})

const chosen = variants.filter(({ name }) => name === '2pc/order' || name === 'saga/orchestrator')
if (isThere) for (const variant of chosen) clusterSuite(variant)
