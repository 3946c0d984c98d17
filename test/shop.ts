/**
 * A client of the public contract, with typed calls over connections that are kept alive. Calls
 * whose refusal is worth a test answer with an Answer; those that make or read records expect 200
 * and throw what came instead. It never repeats a request by itself.
 */
import assert from 'node:assert/strict'
import { Pool } from 'undici'

export interface Answer {
  readonly request: string
  readonly status: number
  /** Content-Type, in full. */
  readonly type: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

export interface Order {
  readonly order_id: string
  readonly paid: boolean
  readonly items: readonly (readonly [string, number])[]
  readonly user_id: string
  readonly total_cost: number
}

export interface Item {
  readonly stock: number
  readonly price: number
}

/** What a client keeps of itself between requests. */
export interface RequestOptions {
  readonly idempotencyKey?: string | undefined
}

/** Longest time to any answer; beyond it the request counts as failed. */
const answerWithinMs = 20_000

export class Shop {
  readonly origin: string
  readonly #pool: Pool

  constructor(origin: string, connections = 128) {
    this.origin = origin
    this.#pool = new Pool(origin, {
      connections,
      headersTimeout: answerWithinMs,
      bodyTimeout: answerWithinMs,
    })
  }

  async request(
    method: 'GET' | 'POST' | 'PUT' | 'DELETE',
    path: string,
    { idempotencyKey }: RequestOptions = {},
  ): Promise<Answer> {
    const { statusCode, headers, body } = await this.#pool.request({
      method,
      path,
      ...(idempotencyKey === undefined ? {} : { headers: { 'idempotency-key': idempotencyKey } }),
    })
    const text = await body.text()
    const type = String(headers['content-type'] ?? '')
    return { request: `${method} ${path}`, status: statusCode, type, headers, text }
  }

  get = (path: string) => this.request('GET', path)
  post = (path: string, options?: RequestOptions) => this.request('POST', path, options)

  async createItem(price: number): Promise<string> {
    return (await this.#made<{ item_id: string }>(`/stock/item/create/${price}`)).item_id
  }

  /** A new item with units on the shelf. */
  async item(price: number, stock: number): Promise<string> {
    const id = await this.createItem(price)
    if (stock > 0) succeeded(await this.addStock(id, stock))
    return id
  }

  findItem = (id: string) => this.#read<Item>(`/stock/find/${id}`)
  addStock = (id: string, units: number) => this.post(`/stock/add/${id}/${units}`)
  subtractStock = (id: string, units: number) => this.post(`/stock/subtract/${id}/${units}`)

  async createUser(): Promise<string> {
    return (await this.#made<{ user_id: string }>('/payment/create_user')).user_id
  }

  /** A new user with credit. */
  async user(credit: number): Promise<string> {
    const id = await this.createUser()
    if (credit > 0) succeeded(await this.addFunds(id, credit))
    return id
  }

  findUser = (id: string) =>
    this.#read<{ user_id: string; credit: number }>(`/payment/find_user/${id}`)
  addFunds = (id: string, amount: number) => this.post(`/payment/add_funds/${id}/${amount}`)
  pay = (id: string, amount: number) => this.post(`/payment/pay/${id}/${amount}`)

  async createOrder(userId: string): Promise<string> {
    return (await this.#made<{ order_id: string }>(`/orders/create/${userId}`)).order_id
  }

  /** A new order with lines, added in their order. */
  async order(userId: string, ...lines: readonly (readonly [string, number])[]): Promise<string> {
    const id = await this.createOrder(userId)
    for (const [item, quantity] of lines) succeeded(await this.addItem(id, item, quantity))
    return id
  }

  findOrder = (id: string) => this.#read<Order>(`/orders/find/${id}`)
  addItem = (id: string, item: string, quantity: number) =>
    this.post(`/orders/addItem/${id}/${item}/${quantity}`)
  checkout = (id: string, options?: RequestOptions) => this.post(`/orders/checkout/${id}`, options)

  async initItems(count: number, stock: number, price: number): Promise<void> {
    await this.#made(`/stock/batch_init/${count}/${stock}/${price}`)
  }

  async initUsers(count: number, credit: number): Promise<void> {
    await this.#made(`/payment/batch_init/${count}/${credit}`)
  }

  async initOrders(count: number, items: number, users: number, price: number): Promise<void> {
    await this.#made(`/orders/batch_init/${count}/${items}/${users}/${price}`)
  }

  /** Lets go of the connections; requests under way fail. */
  close(): Promise<void> {
    return this.#pool.destroy()
  }

  async #made<T>(path: string): Promise<T> {
    return JSON.parse(succeeded(await this.post(path)).text)
  }

  async #read<T>(path: string): Promise<T> {
    return JSON.parse(succeeded(await this.get(path)).text)
  }
}

const shown = ({ request, status, text }: Answer) => `${request}: ${status} ${text}`

/** The answer, which must be 200. */
export function succeeded(answer: Answer): Answer {
  assert.equal(answer.status, 200, shown(answer))
  return answer
}

/** The code of the problem that this answer must be, as RFC 9457 wants it. */
export function problemOf(answer: Answer): string {
  assert.ok(answer.status >= 400, shown(answer))
  assert.equal(answer.type, 'application/problem+json', shown(answer))
  const problem = JSON.parse(answer.text)
  assert.equal(problem.status, answer.status, shown(answer))
  assert.equal(problem.type, `/problems/${problem.code}`, shown(answer))
  for (const name of ['title', 'detail']) assert.ok(problem[name]?.length > 0, shown(answer))
  assert.ok(!/\n\s+at |node_modules|\.ts:\d/.test(answer.text), `a stack trace: ${answer.text}`)
  return problem.code
}

/** Asserts that the shop said no for this reason. */
export function refused(answer: Answer, status: number, code: string): void {
  assert.deepEqual([answer.status, problemOf(answer)], [status, code], shown(answer))
}

/** How many answers have this status. */
export const count = (answers: readonly Answer[], status: number) =>
  answers.filter((answer) => answer.status === status).length
