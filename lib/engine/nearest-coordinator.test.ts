import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Checkout, Outcome } from '../../protocol/messages.ts'
import { ShopError } from '../runtime/errors.ts'
import type { CoordinatorHost } from './coordinator-host.ts'
import { nearestCoordinator } from './nearest-coordinator.ts'

const checkout: Checkout = { orderId: 'a', branches: [] }
const committed: Outcome = { kind: 'committed', transaction: 'o.0.1.1' }
const elsewhere = { run: () => Promise.resolve(committed) }
const hereFailing = (error: unknown) =>
  ({ owns: () => true, run: () => Promise.reject(error) }) as unknown as CoordinatorHost

test('a checkout whose partition moves away while it runs is asked for where it went', async () => {
  const here = hereFailing(new ShopError('not_known_yet', 'It has moved.'))
  assert.equal(await nearestCoordinator(here, elsewhere).run(checkout), committed)
})

test('any other failure is told as it is', async () => {
  const error = new ShopError('internal', 'A bug.')
  await assert.rejects(nearestCoordinator(hereFailing(error), elsewhere).run(checkout), error)
})

test('what may have begun here is not told as overloaded, whoever is asked next', async () => {
  const full = { run: () => Promise.reject(new ShopError('overloaded', 'Too many questions.')) }
  const moved = hereFailing(new ShopError('not_known_yet', 'It has moved.'))
  await assert.rejects(nearestCoordinator(moved, full).run(checkout), { code: 'not_known_yet' })
  // It was never here: nothing has begun.
  const notHere = { owns: () => false } as unknown as CoordinatorHost
  await assert.rejects(nearestCoordinator(notHere, full).run(checkout), { code: 'overloaded' })
})
