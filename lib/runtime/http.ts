/**
 * Serves a table of routes over HTTP. Routing is find-my-way's (this is the only file that knows
 * it); what reaches a handler has passed wire.ts and parameters.ts, what it answers goes to
 * answer.ts, what it throws to thrown.ts.
 *
 * Promise: every error answer is a problem document that says nothing of the inside;
 * `invalid_request` is answered before a handler has begun; a handler that began is never cut short
 * by its client. Next: route.ts (the table), wire.ts (limits), openapi.ts (the description).
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import findMyWay from 'find-my-way'
import { sendAnswer, sendProblem } from './answer.ts'
import type { Clock } from './clock.ts'
import type { Config } from './config.ts'
import { listenOn, type PortSettings } from './listen.ts'
import type { Log } from './log.ts'
import { PacedRefusals } from './paced-refusals.ts'
import { namesIn, parametersParser } from './parameters.ts'
import { readRequest } from './request.ts'
import type { Route, ShopAnswer, ShopRequest } from './route.ts'
import { type Told, tellerOf } from './thrown.ts'
import { createWire, type WireLimits } from './wire.ts'

export interface HttpServer {
  /** Port 0 takes any free one. Throws ShopError `port_taken` or `invalid_settings`. */
  listen(host: string, port: number): Promise<{ port: number }>
  /** Serves these routes from now on, in place of those before; requests under way end as begun. */
  serve(routes: readonly Route[]): void
  /**
   * Accepts nothing new and lets the requests under way end, for at most `drainMs`; then their
   * connections are cut, though their handlers go on. Resolves when every connection is closed.
   */
  close(): Promise<void>
}

export interface HttpOptions {
  readonly routes: readonly Route[]
  readonly config: WireLimits & Pick<Config, 'maxBatchRecords' | 'drainMs'>
  readonly log: Log
  readonly clock: Clock
  /** Names of the settings that chose host and port, for people who must change them. */
  readonly settings?: PortSettings
}

/** How often connections that have become idle are looked for while the server drains. */
const drainCheckMs = 20

export function createHttpServer(options: HttpOptions): HttpServer {
  const { config, clock, settings = { host: 'HOST', port: 'PORT' } } = options
  const beforeAnswer = (response: ServerResponse) => {
    if (closing) response.setHeader('Connection', 'close')
  }
  const told = tellerOf(options.log, clock)
  let route = createRouter(options, told, beforeAnswer)
  let servers: readonly Server[] = []
  let closing: Promise<void> | undefined

  const wire = createWire(config, clock, (request, response) => route(request, response))

  async function drain(): Promise<void> {
    const ended = servers.map((server) => new Promise((resolve) => server.close(resolve)))
    const idle = clock.every(drainCheckMs, () => {
      for (const server of servers) server.closeIdleConnections()
    })
    const deadline = clock.after(config.drainMs, () => {
      for (const server of servers) server.closeAllConnections()
    })
    await Promise.all(ended)
    idle.cancel()
    deadline.cancel()
  }

  return {
    async listen(host, port) {
      const opened = await listenOn(host, port, wire.createServer, settings)
      servers = opened.servers
      return { port: opened.port }
    },
    serve(routes) {
      route = createRouter({ ...options, routes }, told, beforeAnswer)
    },
    close() {
      closing ??= drain()
      return closing
    },
  }
}

/** Called when an answer of a handler is there, before it is written. */
type BeforeAnswer = (response: ServerResponse) => void

type Router = (request: IncomingMessage, response: ServerResponse) => void

function createRouter(
  { routes, config }: HttpOptions,
  told: Told,
  beforeAnswer: BeforeAnswer,
): Router {
  const methodsOf = methodsFinder(routes)
  const router = findMyWay({
    // Too long is for the parameter's own rule to say, which names it; nothing here is a regexp.
    maxParamLength: config.maxHeaderBytes,
    querystringParser: (text) => ({ text }),
    onBadUrl: (_path, _request, response) =>
      sendProblem(response, 'invalid_request', 'The path is not well-formed: see RFC 3986.'),
    defaultRoute: (request, response) => {
      const allowed = methodsOf(request)
      if (allowed.length === 0) {
        sendProblem(response, 'unknown_route', 'No route has this path.')
      } else {
        const allow = allowed.join(', ')
        const headers = { Allow: allow }
        sendProblem(response, 'method_not_allowed', `This route knows ${allow}.`, headers)
      }
    },
  })
  for (const route of routes) {
    const serve = serverOf(route, config.maxBatchRecords, told, beforeAnswer)
    router.on(
      route.method === 'GET' ? ['GET', 'HEAD'] : route.method,
      route.path.replace(/\{([^{}/]+)\}/g, ':$1'),
      (request, response, parameters, _store, { text }) =>
        serve(request, response, parameters as Record<string, string>, text ?? ''),
    )
  }
  return (request, response) => router.lookup(request, response)
}

type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  raw: Readonly<Record<string, string>>,
  query: string,
) => void

function serverOf(
  route: Route,
  maxBatchRecords: number,
  told: Told,
  beforeAnswer: BeforeAnswer,
): Serve {
  const parse = parametersParser(route, maxBatchRecords)
  const { crowd } = route
  const refusals = new PacedRefusals()
  let underWay = 0

  async function answerTo(read: ShopRequest, connection: Duplex): Promise<ShopAnswer> {
    if (crowd !== undefined && underWay >= crowd.most) {
      await refusals.turn(connection)
      crowd.onTurnedAway(1)
      return crowd.answer
    }
    underWay++
    try {
      return await route.handle(read)
    } finally {
      underWay--
    }
  }

  return (request, response, raw, query) => {
    const read = readRequest(route, parse, request, raw, query)
    if (typeof read === 'string') {
      sendProblem(response, 'invalid_request', read)
      return
    }
    const answered = async () => {
      const answer = await answerTo(read, request.socket)
      beforeAnswer(response)
      sendAnswer(response, answer)
    }
    answered().catch((error: unknown) => sendAnswer(response, told(error, route)))
  }
}

/** Which methods the path of a request could have been asked with: the slow path, for 405 only. */
function methodsFinder(routes: readonly Route[]): (request: IncomingMessage) => string[] {
  const table = routes.map(({ method, path }) => {
    const literal = namesIn(path).reduce(
      (pattern, name) => pattern.replace(`{${name}}`, '[^/]+'),
      path.replaceAll('.', '\\.'),
    )
    return { method, pattern: new RegExp(`^(?:https?://[^/]*)?${literal}$`) }
  })
  return ({ url = '' }) => {
    const path = url.split('?', 1)[0]!
    const methods = table.filter(({ pattern }) => pattern.test(path)).map(({ method }) => method)
    return [...new Set(methods.flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : method)))]
  }
}
