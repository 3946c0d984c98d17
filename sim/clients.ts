/**
 * Clients: they send requests to any live instance, as through a gateway, and write down what they
 * are told. A client whose instance dies gets no answer; one that is tired of waiting hangs up.
 */
import { createHash } from 'node:crypto'
import { type ErrorCode, ShopError, statusOf } from '../lib/runtime/errors.ts'
import { problemsOf } from '../lib/runtime/openapi.ts'
import type { Random } from '../lib/runtime/random.ts'
import type { Route, ShopAnswer, ShopRequest } from '../lib/runtime/route.ts'
import type { ServiceKey } from './draw.ts'
import type { Operation } from './operation.ts'
import type { SimShop } from './shop.ts'

export interface Request {
  readonly service: ServiceKey
  readonly route: string
  readonly parameters: Readonly<Record<string, string | number>>
  readonly key?: string
  /** How long the client waits; as drawn where it is not said. */
  readonly timeoutMs?: number
}

export class Clients {
  readonly operations: Operation[] = []
  readonly #shop: SimShop
  readonly #random: Random
  readonly #timeoutMs: number
  readonly #onAnswer: (operation: Operation) => void
  #open = 0

  constructor(
    shop: SimShop,
    random: Random,
    timeoutMs: number,
    onAnswer: (operation: Operation) => void,
  ) {
    this.#shop = shop
    this.#random = random
    this.#timeoutMs = timeoutMs
    this.#onAnswer = onAnswer
  }

  /** Requests whose clients still wait. */
  get waiting(): number {
    return this.#open
  }

  /** Sends a request; `then` is called once, with whatever the client learns. */
  send(request: Request, then: (operation: Operation) => void): void {
    const { world, timeline, coverage } = this.#shop
    const instances = this.#shop.instances(request.service)
    const process = instances[this.#random.integer(Math.max(1, instances.length))]
    const operation: Operation = {
      id: this.operations.length,
      route: request.route,
      parameters: request.parameters,
      key: request.key,
      process: process ?? 'nobody',
      startedAt: world.now,
      endedAt: undefined,
      status: 0,
      code: '',
      body: undefined,
    }
    this.operations.push(operation)
    this.#open++
    timeline.note(world.now, `client ${operation.id}`, () => tellRequest(operation))
    let isOver = false
    const finish = (status: number, code: string, body: unknown) => {
      if (isOver) return
      isOver = true
      this.#open--
      hangUp.cancel()
      if (process !== undefined) this.#shop.served(process, onEnd)
      operation.status = status
      operation.code = code
      operation.body = body
      operation.endedAt = world.now
      world.isStirred = true
      coverage.add(`answer: ${request.route.split('/')[2]} ${status} ${code}`)
      timeline.note(world.now, `client ${operation.id}`, () => `<- ${status} ${code} ${tell(body)}`)
      if (status !== 0) this.#onAnswer(operation)
      then(operation)
    }
    const hangUp = world.after(request.timeoutMs ?? this.#timeoutMs, () =>
      finish(0, 'hung up', undefined),
    )
    const onEnd = () => finish(0, 'cut off', undefined)
    if (process === undefined) {
      world.after(1, () => finish(503, 'nobody', undefined))
      return
    }
    const { director } = this.#shop
    const call = (route: Route) =>
      this.#call(route, request, (status, code, body) => {
        const fate = director?.sees({ kind: 'answers', process, operation, status })
        if (typeof fate !== 'object') return finish(status, code, body)
        for (const ms of fate) world.after(ms, () => finish(status, code, body))
      })
    const serve = () => this.#shop.serve(process, request.route, call, onEnd)
    const fate = director?.sees({ kind: 'asks', process, operation })
    if (typeof fate !== 'object') serve()
    else for (const ms of fate) world.after(ms, serve)
  }

  #call(
    route: Route,
    request: Request,
    finish: (status: number, code: string, body: unknown) => void,
  ): void {
    const refuse = (code: ErrorCode, detail: string) => {
      // The contract is part of every answer's promise; a checker reports what is not in it.
      if (problemsOf(route).has(code)) finish(statusOf[code], code, detail)
      else finish(500, `${code}, which is not in the contract`, detail)
    }
    route.handle(shopRequest(request)).then(
      (answer: ShopAnswer) => {
        if (answer.kind === 'problem') refuse(answer.code, answer.detail)
        else finish(200, '', answer.body)
      },
      (error) => {
        const code = error instanceof ShopError ? error.code : 'internal'
        refuse(code, String(error instanceof Error ? error.message : error))
      },
    )
  }
}

function shopRequest({ route, parameters, key }: Request): ShopRequest {
  return {
    parameters: {
      id: (name) => String(parameters[name]),
      number: (name) => Number(parameters[name]),
    },
    idempotencyKey: key,
    fingerprint: route.replace(/\{([^}]+)\}/g, (_, name: string) => String(parameters[name])),
    query: new Map(),
  }
}

const tellRequest = ({ route, parameters, key, process }: Operation): string => {
  const path = route.replace(/\{([^}]+)\}/g, (_, name: string) => String(parameters[name]))
  return `${path}${key === undefined ? '' : ` key ${key}`} at ${process}`
}

const tell = (body: unknown): string => (body === undefined ? '' : JSON.stringify(body))

/** A key that belongs to one request. */
export const keyOf = (seed: number, number: number): string =>
  createHash('sha256').update(`${seed}/${number}`).digest('base64url').slice(0, 16)
