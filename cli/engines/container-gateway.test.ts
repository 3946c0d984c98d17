import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { containerGateway, containerGatewayPath } from './container-gateway.ts'

test('the files in gateway/ are those that the public routes make', async () => {
  for (const [name, text] of await containerGateway()) {
    const kept = readFileSync(containerGatewayPath(name), 'utf8')
    assert.ok(kept === text, `gateway/${name}: run node cli/engines/container-gateway.ts`)
  }
})

test('nginx is told of every public route, and of nothing internal', async () => {
  const conf = (await containerGateway()).get('nginx.conf')!
  assert.ok(!conf.includes('internal/'))
  const openapi = JSON.parse((await containerGateway()).get('openapi.json')!)
  const paths = Object.keys(openapi.paths)
  assert.equal(
    conf.match(/^ {4}'~\^\/.*(?:read|change|checkout|batch)\//gm)?.length,
    paths.length + 1,
  )
})
