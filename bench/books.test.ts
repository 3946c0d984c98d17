import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditBooks, type BookedOrder, type Books, type Holding, type Opening } from './books.ts'

const line = (itemId: string, quantity = 1) => ({ itemId, quantity })
const order = (isPaid: boolean, ...lines: ReturnType<typeof line>[]): BookedOrder => ({
  userId: '0',
  lines,
  total: 5 * lines.reduce((sum, { quantity }) => sum + quantity, 0),
  isPaid,
})
const has = (has: number, held = 0): Holding => ({ has, held })

interface Shop {
  orders: Record<string, BookedOrder>
  items: Record<string, Holding>
  users: Record<string, Holding>
}

/** Two orders, of which the first was paid: two units of item 0 and one of item 1. */
const sound = (): Shop => ({
  orders: { a: order(true, line('0', 2), line('1')), b: order(false, line('1')) },
  items: { '0': has(8), '1': has(9) },
  users: { '0': has(85), '1': has(100) },
})

const booksOf = ({ orders, items, users }: Shop): Books => ({
  async *orders() {
    for (const entry of Object.entries(orders)) yield [entry]
  },
  async *items() {
    yield Object.entries(items)
  },
  async *users() {
    yield Object.entries(users)
  },
})

const opening: Opening = {
  stock: 10,
  credit: 100,
  isOurItem: () => true,
  isOurUser: () => true,
  isOurOrder: () => true,
  statusOf: (id) => (id === 'a' ? 200 : 400),
}

/** The differences of a sound shop into which one was planted. */
async function found(plant: (shop: Shop) => void, given: Partial<Opening> = {}) {
  const shop = sound()
  plant(shop)
  const { differences } = await auditBooks(booksOf(shop), { ...opening, ...given })
  return differences
}

test('right books have no differences', async () => {
  const audit = await auditBooks(booksOf(sound()), opening)
  assert.deepEqual(audit, { paidOrders: 1, differences: [] })
})

test('a decrement too many, one too few, and an oversold item are found', async () => {
  const has7 = await found(({ items }) => Object.assign(items, { '0': has(7) }))
  assert.deepEqual(has7, ['item 0 has 7, not 10 less 2 in paid orders'])
  const has10 = await found(({ items }) => Object.assign(items, { '1': has(10) }))
  assert.deepEqual(has10, ['item 1 has 10, not 10 less 1 in paid orders'])
  const negative = await found(({ items }) => Object.assign(items, { '1': has(-1) }), { stock: 0 })
  assert.ok(negative.includes('item 1 has -1'))
})

test('a debit that happened twice is found, and one that did not happen', async () => {
  const twice = await found(({ users }) => Object.assign(users, { '0': has(70) }))
  assert.deepEqual(twice, ['user 0 has 70, not 100 less 15 in paid orders'])
  const never = await found(({ users }) => Object.assign(users, { '0': has(100) }))
  assert.deepEqual(never, ['user 0 has 100, not 100 less 15 in paid orders'])
})

test('one debit for another is found at both users, though the sum is right', async () => {
  const swapped = { '0': has(100), '1': has(85) }
  assert.equal((await found(({ users }) => Object.assign(users, swapped))).length, 2)
})

test('an answer that is not kept is found', async () => {
  assert.deepEqual(await found(() => {}, { statusOf: (id) => (id === 'b' ? 200 : 0) }), [
    'order b was answered 200 and is not paid',
  ])
  assert.deepEqual(await found(() => {}, { statusOf: (id) => (id === 'a' ? 409 : 0) }), [
    'order a was answered 409 and is paid',
  ])
})

test('an answer that promises nothing, or none, may mean either', async () => {
  assert.deepEqual(await found(() => {}, { statusOf: () => 503 }), [])
  assert.deepEqual(await found(() => {}, { statusOf: () => 0 }), [])
})

test('what is held when nothing is open is found', async () => {
  assert.deepEqual(await found(({ items }) => Object.assign(items, { '0': has(8, 1) })), [
    'item 0: 1 is held, and nothing is open',
  ])
  const heldOrder = { b: { ...order(false, line('1')), heldBy: 'order.0.1.1' } }
  assert.deepEqual(await found(({ orders }) => Object.assign(orders, heldOrder)), [
    'order b is held by order.0.1.1',
  ])
})

test('what was sold must exist', async () => {
  const differences = await found(({ items }) => delete items['1'])
  assert.deepEqual(differences, ['item 1 was sold and does not exist'])
})

test('without knowing what there was, only what is impossible is found', async () => {
  const unknown = { stock: undefined, credit: undefined }
  assert.deepEqual(await found(({ users }) => Object.assign(users, { '0': has(1) }), unknown), [])
  const negative = await found(({ users }) => Object.assign(users, { '0': has(-1) }), unknown)
  assert.deepEqual(negative, ['user 0 has -1'])
})

test('records that these books are not of are left out', async () => {
  const older = { isOurItem: (id: string) => id !== '0', isOurOrder: (id: string) => id !== 'a' }
  const differences = await found(() => {}, { ...older, isOurUser: () => false })
  assert.deepEqual(differences, ['item 1 has 9, not 10 less 0 in paid orders'])
})
