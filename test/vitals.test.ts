/** What a shop tells of itself on its internal port, after checkouts that were paid and refused. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type EmbeddedShop, openEmbeddedShop } from '../cli/embedded-shop.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { createLog } from '../lib/runtime/log.ts'
import { Shop } from './shop.ts'
import { eventually, restWithinMs } from './suite.ts'

const data = mkdtempSync(join(tmpdir(), 'till-vitals-'))
let embedded: EmbeddedShop
let shop: Shop

before(async () => {
  const config = readConfig({ data, port: '0', logLevel: 'silent' }, {})
  const onFailure = (error: Error) => assert.fail(error)
  embedded = await openEmbeddedShop({ config, log: createLog('silent'), onFailure })
  shop = new Shop(`http://127.0.0.1:${embedded.port}`)
})
after(async () => {
  await shop.close()
  await embedded.close()
  rmSync(data, { recursive: true })
})

const internal = (path: string) => fetch(`http://127.0.0.1:${embedded.internalPort}${path}`)

/** Values by name and labels, as they are written. */
async function scrape(): Promise<ReadonlyMap<string, number>> {
  const lines = (await (await internal('/metrics')).text()).split('\n')
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => {
      const space = line.lastIndexOf(' ')
      return [line.slice(0, space), Number(line.slice(space + 1))]
    }),
  )
}

test('it is live and ready, and says neither to the public', async () => {
  for (const path of ['/live', '/ready', '/metrics']) {
    assert.equal((await internal(path)).status, 200, path)
    assert.equal((await shop.get(path)).status, 404, path)
  }
})

test('checkouts are counted by variant and outcome, and each phase is timed', async () => {
  const user = await shop.user(10)
  const item = await shop.item(5, 10)
  for (const quantity of [1, 1, 1]) await shop.checkout(await shop.order(user, [item, quantity]))
  // The end of a transaction is written after its client was answered.
  const open = 'till_transactions_open{service="order"}'
  await eventually(restWithinMs, async () => (await scrape()).get(open) === 0)
  const counted = await scrape()
  const order = 'service="order",variant="2pc/order"'
  assert.equal(counted.get(`till_checkouts_total{${order},outcome="paid"}`), 2)
  const refused = `till_checkouts_total{${order},outcome="insufficient_credit"}`
  assert.equal(counted.get(refused), 1)
  assert.equal(counted.get(`till_checkout_seconds_count{${order}}`), 3)
  assert.equal(counted.get(`till_transactions_total{${order},end="committed"}`), 2)
  assert.equal(counted.get(`till_transactions_total{${order},end="insufficient_credit"}`), 1)
  assert.equal(counted.get(`till_phase_seconds_count{${order},phase="preparing"}`), 3)
  assert.equal(counted.get(`till_phase_seconds_count{${order},phase="committing"}`), 2)
  assert.equal(counted.get(`till_phase_seconds_count{${order},phase="aborting"}`), 1)
  assert.equal(counted.get(open), 0)
  assert.equal(counted.get('till_commands_refused_total{service="payment"}'), 1)
  const groups = counted.get('till_storage_group_steps_count{service="stock"}')
  assert.equal(groups, counted.get('till_storage_writes_total{service="stock"}'))
})
