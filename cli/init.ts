/** `./till init`: fills a running shop through its own batch_init routes, one call per kind. */
import { type Command, InvalidArgumentError } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { CommandFailure, exitCodes } from './failure.ts'
import { duration, say, sayJson } from './print.ts'
import { openProgress } from './progress.ts'
import { addDataFlag } from './settings-flags.ts'
import { ask, findShop, publicUrl } from './shop-client.ts'

const examples = `
Examples:
  ./till init                                   1000 of each
  ./till init --items 100000 --users 100000 --orders 100000
  ./till init --items 1 --stock 100 --orders 0  one item, and no orders
  ./till init --url http://localhost:8000       a shop that runs elsewhere

Ids are "0" to "n-1". What had these ids is replaced; 0 of a kind leaves that kind as it is.`

/** A million records of a kind take a while on a slow disk. */
const batchWithinMs = 600_000

interface Amounts {
  readonly items: number
  readonly users: number
  readonly orders: number
  readonly stock: number
  readonly price: number
  readonly credit: number
}

interface Batch {
  readonly kind: 'items' | 'users' | 'orders'
  readonly count: number
  readonly path: string
}

interface Filled {
  readonly kind: Batch['kind']
  readonly count: number
  readonly ms: number
}

type Flags = Amounts & { readonly data?: string; readonly url?: string; readonly json?: true }

export function define(command: Command): void {
  addDataFlag(command)
  command
    .option('--url <address>', 'fill the shop at this address, instead of the one on --data')
    .option('--items <number>', 'items to make', whole, 1_000)
    .option('--users <number>', 'users to make', whole, 1_000)
    .option('--orders <number>', 'orders to make: two random items and a random user', whole, 1_000)
    .option('--stock <number>', 'units of each item', whole, 1_000)
    .option('--price <number>', 'price of each item', whole, 10)
    .option('--credit <number>', 'credit of each user', whole, 10_000)
    .option('--json', 'what was made, as JSON on stdout')
    .addHelpText('after', examples)
    .action(async ({ data, url, json, ...amounts }: Flags) => {
      const batches = batchesOf(amounts)
      const filled = await fill(url?.replace(/\/+$/, '') ?? urlOf(data), batches)
      if (json) sayJson(filled)
      else say(forPeople(filled))
    })
}

/** The calls that make these amounts; throws CommandFailure `usage` where they make no sense. */
export function batchesOf(amounts: Amounts): readonly Batch[] {
  const { items, users, orders, stock, price, credit } = amounts
  if (orders > 0 && (items === 0 || users === 0)) {
    throw new CommandFailure(
      'Orders need items and users: give --items and --users at least 1, or --orders 0.',
      exitCodes.usage,
    )
  }
  const all: readonly Batch[] = [
    { kind: 'items', count: items, path: `/stock/batch_init/${items}/${stock}/${price}` },
    { kind: 'users', count: users, path: `/payment/batch_init/${users}/${credit}` },
    {
      kind: 'orders',
      count: orders,
      path: `/orders/batch_init/${orders}/${items}/${users}/${price}`,
    },
  ]
  return all.filter(({ count }) => count > 0)
}

async function fill(base: string, batches: readonly Batch[]): Promise<readonly Filled[]> {
  const progress = openProgress(batches.reduce((sum, { count }) => sum + count, 0))
  const filled: Filled[] = []
  try {
    for (const { kind, count, path } of batches) {
      progress.begin(kind)
      const startedAt = systemClock.now()
      await ask(base, path, { method: 'POST', withinMs: batchWithinMs })
      filled.push({ kind, count, ms: Math.round(systemClock.now() - startedAt) })
      progress.done(kind, count)
    }
  } finally {
    progress.end()
  }
  return filled
}

function urlOf(data: string | undefined): string {
  return publicUrl(findShop(readConfig(data === undefined ? {} : { data }).data))
}

function whole(text: string): number {
  const value = Number(text)
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value
  throw new InvalidArgumentError('It must be a whole number, in digits only.')
}

function forPeople(filled: readonly Filled[]): string {
  if (filled.length === 0) return 'Nothing to make.'
  const parts = filled.map(({ kind, count, ms }) => `${count} ${kind} in ${duration(ms)}`)
  return `Filled: ${parts.join(', ')}.`
}
