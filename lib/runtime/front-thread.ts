/**
 * The thread that speaks HTTP for front.ts: a server of http.ts whose handlers ask the thread that
 * runs the shop. It reads requests, refuses what is malformed or one too many, and writes answers.
 */
import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from './clock.ts'
import { ShopError } from './errors.ts'
import type { Call, FromFront, FrontRoute, FrontStart, Level, ToFront } from './front-messages.ts'
import { gathered } from './gathered.ts'
import { createHttpServer } from './http.ts'
import type { Fields, Log } from './log.ts'
import type { PathParameters } from './parameters.ts'
import type { Route, ShopAnswer } from './route.ts'

const { config, routes } = workerData as FrontStart
const tell = (message: FromFront) => parentPort!.postMessage(message)

const waiting = new Map<number, (answer: ShopAnswer) => void>()
const hand = gathered<Call>((calls) => tell({ kind: 'calls', calls }))
let lastId = 0

const counted = (route: number) => (counts: readonly number[]) =>
  tell({ kind: 'turned away', route, count: counts.reduce((sum, each) => sum + each) })

function asking(route: FrontRoute, index: number): Route {
  const { crowd, ...rest } = route
  return {
    ...rest,
    ...(crowd && { crowd: { ...crowd, onTurnedAway: gathered(counted(index)) } }),
    handle: ({ parameters, idempotencyKey }) =>
      new Promise((resolve) => {
        const id = ++lastId
        waiting.set(id, resolve)
        const { inOrder: values } = parameters as PathParameters
        hand({ id, route: index, values, idempotencyKey })
      }),
  }
}

const writer =
  (level: Level, own: Fields) =>
  (message: string, fields: Fields = {}) =>
    tell({ kind: 'line', level, message, fields: { ...own, ...fields } })

function logWith(own: Fields): Log {
  return {
    fatal: writer('fatal', own),
    error: writer('error', own),
    warn: writer('warn', own),
    info: writer('info', own),
    debug: config.logLevel === 'debug' ? writer('debug', own) : () => {},
    child: (fields) => logWith({ ...own, ...fields }),
  }
}

/**
 * Where there is more to do than CPUs can, the thread that sells comes first: a crowd that is
 * refused as fast as it asks would take half of its time.
 */
const niceness = 10

function comeSecond(log: Log): void {
  // Elsewhere than on Linux this would be the priority of the whole process.
  if (process.platform !== 'linux') return
  try {
    setPriority(niceness)
  } catch (error) {
    log.warn('The thread that speaks HTTP could not be given a lower priority', { error })
  }
}

const log = logWith({})
comeSecond(log)

const server = createHttpServer({
  routes: routes.map(asking),
  ...{ config, log, clock: systemClock },
})

parentPort!.on('message', (message: ToFront) => {
  if (message.kind === 'close') void server.close().then(() => tell({ kind: 'closed' }))
  else {
    for (const { id, answer } of message.answers) {
      waiting.get(id)!(answer)
      waiting.delete(id)
    }
  }
})

try {
  const { port } = await server.listen(config.host, config.port)
  tell({ kind: 'listening', port })
} catch (error) {
  if (!(error instanceof ShopError)) throw error
  tell({ kind: 'not listening', code: error.code, message: error.message })
}
