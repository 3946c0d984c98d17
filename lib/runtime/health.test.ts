import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Health, healthRoutes, usable } from './health.ts'
import type { ShopRequest } from './route.ts'

test('ready says which part is not usable; live does not care', async () => {
  let health: Health = usable
  const routes = healthRoutes(() => [
    { name: 'bus', health: () => health },
    { name: 'database', health: () => usable },
  ])
  const ask = (path: string) =>
    routes.find((route) => route.path === path)!.handle({} as ShopRequest)
  assert.deepEqual(await ask('/ready'), { kind: 'text', body: 'ready' })
  health = { usable: false, detail: 'no broker answers' }
  const detail = 'bus: no broker answers'
  assert.deepEqual(await ask('/ready'), { kind: 'problem', code: 'unavailable', detail })
  assert.deepEqual(await ask('/live'), { kind: 'text', body: 'live' })
})
