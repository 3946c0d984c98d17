import assert from 'node:assert/strict'
import { test } from 'node:test'
import { statusOf } from './errors.ts'
import { openapiDocument, openapiRoute } from './openapi.ts'
import { json, type Route, type ShopRequest } from './route.ts'

const handle = async () => json({})
const thing = { type: 'object', properties: { id: { type: 'string' } } }
const routes: readonly Route[] = [
  {
    method: 'POST',
    path: '/things/add/{id}/{n}',
    summary: 'Adds to a thing',
    parameters: { id: 'id', n: 'amount' },
    answer: 'text',
    problems: ['unknown_item', 'insufficient_stock', 'unavailable'],
    visibility: 'public',
    handle,
  },
  {
    method: 'GET',
    path: '/things/find/{id}',
    summary: 'Finds a thing',
    parameters: { id: 'id' },
    answer: thing,
    problems: ['unknown_item'],
    visibility: 'public',
    handle,
  },
  {
    method: 'GET',
    path: '/inside',
    summary: 'Inside',
    parameters: {},
    answer: 'text',
    problems: [],
    visibility: 'internal',
    handle,
  },
]

interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly parameters: readonly { name: string; in: string; schema: object }[]
  readonly responses: Record<string, { content: Record<string, Media>; headers?: object }>
}
interface Media {
  readonly schema: object
  readonly examples: Record<string, { value: { status: number; code: string } }>
}
interface Document {
  readonly paths: Record<string, Record<string, Operation>>
  readonly components: { readonly schemas: object }
}

const document = openapiDocument(routes) as Document
const add = document.paths['/things/add/{id}/{n}']!.post!
const find = document.paths['/things/find/{id}']!.get!

test('every public route of the table is described, and nothing else', () => {
  const described = Object.entries(document.paths).flatMap(([path, operations]) =>
    Object.entries(operations).map(([method, { summary }]) => [method, path, summary].join(' ')),
  )
  const served = routes
    .filter(({ visibility }) => visibility === 'public')
    .map(({ method, path, summary }) => [method.toLowerCase(), path, summary].join(' '))
  assert.deepEqual(described.toSorted(), served.toSorted())
})

test('parameters have schemas, and POST may have an idempotency key', () => {
  const named = (operation: Operation) =>
    operation.parameters.map(({ name, in: place }) => `${place} ${name}`)
  assert.deepEqual(named(add), ['path id', 'path n', 'header Idempotency-Key'])
  assert.deepEqual(named(find), ['path id'])
  assert.deepEqual(add.parameters[1]!.schema, {
    type: 'integer',
    format: 'int64',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
  })
})

test('the 200 answer is described as text or by its schema', () => {
  assert.deepEqual(add.responses[200]?.content['text/plain']?.schema, { type: 'string' })
  assert.deepEqual(find.responses[200]?.content['application/json']?.schema, thing)
})

test('each problem is an example under its status', () => {
  const codes: string[] = []
  for (const [status, { content, headers }] of Object.entries(add.responses)) {
    if (status === '200') continue
    const { examples, schema } = content['application/problem+json']!
    assert.deepEqual(schema, { $ref: '#/components/schemas/Problem' })
    assert.equal(headers !== undefined, status === '503', 'Retry-After')
    for (const [code, { value }] of Object.entries(examples)) {
      assert.equal(String(value.status), status)
      assert.equal(statusOf[value.code as keyof typeof statusOf], value.status)
      codes.push(code)
    }
  }
  for (const code of [
    'unknown_item',
    'insufficient_stock',
    'unavailable',
    'idempotency_key_reused',
  ]) {
    assert.ok(codes.includes(code), code)
  }
  assert.ok('Problem' in document.components.schemas)
})

test('operation ids differ', () => {
  assert.deepEqual([add.operationId, find.operationId], ['postThingsAdd', 'getThingsFind'])
})

test('the document is served as it is', async () => {
  const route = openapiRoute(routes)
  assert.deepEqual([route.method, route.path, route.visibility], ['GET', '/openapi.json', 'public'])
  assert.deepEqual(await route.handle({} as ShopRequest), json(document))
})
