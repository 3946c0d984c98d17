/**
 * The public contract as an OpenAPI 3.1 document, made from the table of routes that is served, so
 * that the two cannot differ. Internal routes are never in it.
 */
import { type ErrorCode, statusOf } from './errors.ts'
import { idPattern, limitsOf } from './parameters.ts'
import { problemDocument, problemType, retryAfterSeconds, titleOf } from './problem.ts'
import { idempotencyKeyPattern } from './request.ts'
import { json, type ParameterKind, type Route } from './route.ts'

/** What any route may answer, beyond its own problems. */
const ofAnyRoute: readonly ErrorCode[] = [
  'body_not_allowed',
  'request_timeout',
  'headers_too_large',
  'overloaded',
  'storage_unavailable',
  'internal',
]

/** Problems of any route that changes something. */
const ofMutatingRoutes: readonly ErrorCode[] = [
  'idempotency_key_reused',
  'storage_full',
  'unavailable',
  'not_known_yet',
]

/** Problems of any route that is given a parameter or an idempotency key. */
const ofCheckedRoutes: readonly ErrorCode[] = ['invalid_request', ...ofAnyRoute]

const problemSchema = {
  type: 'object',
  description: 'RFC 9457. `code` is stable; `detail` is for people.',
  required: ['type', 'title', 'status', 'detail', 'code'],
  properties: {
    type: { type: 'string', format: 'uri-reference' },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(statusOf) },
  },
}

const idempotencyKey = {
  name: 'Idempotency-Key',
  in: 'header',
  required: false,
  description: 'The same request with the same key again has no second effect.',
  schema: { type: 'string', pattern: idempotencyKeyPattern.source },
}

function parameterSchema(kind: ParameterKind): object {
  if (kind === 'id') return { type: 'string', pattern: idPattern.source }
  // The greatest size is a setting of each shop (MAX_BATCH_RECORDS), not part of the contract.
  const { least, greatest } = limitsOf(kind, Number.MAX_SAFE_INTEGER)
  return { type: 'integer', format: 'int64', minimum: least, maximum: greatest }
}

function parametersOf(route: Route): object[] {
  const inPath = Object.entries(route.parameters).map(([name, kind]) => ({
    name,
    in: 'path',
    required: true,
    schema: parameterSchema(kind),
  }))
  return route.method === 'POST' ? [...inPath, idempotencyKey] : inPath
}

function problemResponse(codes: readonly ErrorCode[]): object {
  const examples = Object.fromEntries(
    codes.map((code) => [code, { value: problemDocument(code, `${titleOf[code]}.`) }]),
  )
  const retryAfter = {
    'Retry-After': { schema: { type: 'integer', const: retryAfterSeconds } },
  }
  return {
    description: codes.map((code) => `\`${code}\`: ${titleOf[code]}`).join('; '),
    ...(statusOf[codes[0]!] === 503 && { headers: retryAfter }),
    content: { [problemType]: { schema: { $ref: '#/components/schemas/Problem' }, examples } },
  }
}

/** Every code that the contract lets this route answer. */
export function problemsOf(route: Route): ReadonlySet<ErrorCode> {
  const isMutating = route.method === 'POST'
  const isChecked = isMutating || Object.keys(route.parameters).length > 0
  return new Set([
    ...route.problems,
    ...(isChecked ? ofCheckedRoutes : ofAnyRoute),
    ...(isMutating ? ofMutatingRoutes : []),
  ])
}

function responsesOf(route: Route): object {
  const content =
    route.answer === 'text'
      ? { 'text/plain': { schema: { type: 'string' } } }
      : { 'application/json': { schema: route.answer } }
  const byStatus = Object.groupBy(problemsOf(route), (code) => statusOf[code])
  const problems = Object.entries(byStatus).map(([status, same]) => [
    status,
    problemResponse(same!),
  ])
  return { 200: { description: 'Done', content }, ...Object.fromEntries(problems) }
}

/** `POST /stock/add/{item_id}/{n}` becomes `postStockAdd`. */
function operationId({ method, path }: Route): string {
  const words = path.split(/[/_.]/).filter((word) => /^\w+$/.test(word))
  const capitalised = words.map((word) => word[0]!.toUpperCase() + word.slice(1))
  return method.toLowerCase() + capitalised.join('')
}

/** An OpenAPI 3.1 document of the public routes of this table, and of nothing else. */
export function openapiDocument(routes: readonly Route[]): object {
  const paths: Record<string, Record<string, object>> = {}
  for (const route of routes.filter(({ visibility }) => visibility === 'public')) {
    paths[route.path] ??= {}
    paths[route.path]![route.method.toLowerCase()] = {
      operationId: operationId(route),
      summary: route.summary,
      tags: [route.path.split('/')[1]],
      parameters: parametersOf(route),
      responses: responsesOf(route),
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Till',
      version: '1',
      description: 'A webshop whose checkout takes units and credit, or does neither.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: { Problem: problemSchema } },
  }
}

/** Serves the document of `routes` at GET /openapi.json. */
export function openapiRoute(routes: readonly Route[]): Route {
  const document = openapiDocument(routes)
  return {
    method: 'GET',
    path: '/openapi.json',
    summary: 'This contract, as an OpenAPI 3.1 document',
    parameters: {},
    answer: { type: 'object' },
    problems: [],
    visibility: 'public',
    handle: async () => json(document),
  }
}
