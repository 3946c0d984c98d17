/**
 * A public server in a thread of its own, where one process does everything: reading requests,
 * refusing what is malformed or one too many, and writing answers take none of the time of the
 * thread that runs the shop. The routes' handlers run here; what passes between: front-messages.ts.
 *
 * Promise: what http.ts promises. A request is handed over once, its answer goes back once; if the
 * thread dies, `onFailure` is told: requests under way get no answer, and may have happened.
 */
import { Worker } from 'node:worker_threads'
import { systemClock } from './clock.ts'
import type { Config } from './config.ts'
import { ShopError } from './errors.ts'
import type {
  Answered,
  Call,
  FromFront,
  FrontRoute,
  FrontStart,
  ToFront,
} from './front-messages.ts'
import { gathered } from './gathered.ts'
import type { Log } from './log.ts'
import { namesIn, PathParameters } from './parameters.ts'
import { ReadRequest } from './request.ts'
import type { Route } from './route.ts'
import { type Told, tellerOf } from './thrown.ts'

export interface Front {
  readonly port: number
  /** As HttpServer's. */
  close(): Promise<void>
}

export interface FrontOptions {
  readonly routes: readonly Route[]
  readonly config: Config
  readonly log: Log
  /** The thread has died, and with it the port. */
  onFailure(error: Error): void
}

/** Three times a nursery of 2 MB: what the thread makes for a request does not outlive it. */
const youngMegabytes = 6

/** Resolves when it listens. Throws ShopError `port_taken` or `invalid_settings`. */
export async function openFront({ routes, config, log, onFailure }: FrontOptions): Promise<Front> {
  const start: FrontStart = { config, routes: routes.map(withoutFunctions) }
  const thread = new Worker(new URL('./front-thread.ts', import.meta.url), {
    workerData: start,
    resourceLimits: { maxYoungGenerationSizeMb: youngMegabytes },
  })
  const tell = (message: ToFront) => thread.postMessage(message)
  const told = tellerOf(log, systemClock)
  const serve = servedBy(routes, told, (answers) => tell({ kind: 'answers', answers }))
  const listening = Promise.withResolvers<number>()
  const closed = Promise.withResolvers<void>()
  /** Who hears that the thread has ended: its opener, then its owner, and nobody once it may. */
  let end = (error: Error) => listening.reject(error)
  thread.on('message', (message: FromFront) => {
    if (message.kind === 'calls') for (const call of message.calls) serve(call)
    else if (message.kind === 'turned away') {
      routes[message.route]!.crowd!.onTurnedAway(message.count)
    } else if (message.kind === 'line') log[message.level](message.message, message.fields)
    else if (message.kind === 'listening') {
      end = onFailure
      listening.resolve(message.port)
    } else if (message.kind === 'not listening') {
      listening.reject(new ShopError(message.code, message.message))
    } else closed.resolve()
  })
  let why: unknown
  thread.on('error', (error) => {
    why = error
  })
  thread.on('exit', () => {
    closed.resolve()
    end(died(why))
  })
  try {
    const port = await listening.promise
    return {
      port,
      async close() {
        end = () => {}
        tell({ kind: 'close' })
        await closed.promise
        await thread.terminate()
      },
    }
  } catch (error) {
    await thread.terminate()
    throw error
  }
}

const died = (why: unknown) =>
  new ShopError(
    'internal',
    `The thread that speaks HTTP has ended${why instanceof Error ? ` (${why.message})` : ''}. ` +
      'Start the shop again: what it has answered is there, and what was under way goes on.',
    why,
  )

function withoutFunctions({ handle: _, crowd, ...route }: Route): FrontRoute {
  if (crowd === undefined) return route
  const { onTurnedAway: __, ...rest } = crowd
  return { ...route, crowd: rest }
}

/** Calls handlers; the answers of one turn of the event loop go back together. */
function servedBy(
  routes: readonly Route[],
  told: Told,
  send: (answers: readonly Answered[]) => void,
): (call: Call) => void {
  const names = routes.map(({ path }) => namesIn(path))
  const answered = gathered(send)
  return ({ id, route: index, values, idempotencyKey }) => {
    const route = routes[index]!
    const parameters = new PathParameters(names[index]!, values)
    const request = new ReadRequest(route, parameters, idempotencyKey)
    // `async` makes a handler that throws at once look like one that rejects.
    const handled = async () => route.handle(request)
    void handled()
      .catch((error: unknown) => told(error, route))
      .then((answer) => answered({ id, answer }))
  }
}
