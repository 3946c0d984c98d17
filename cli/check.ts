/**
 * `./till check`: reads every record of a running shop and says what does not add up. It changes
 * nothing. What is compared: bench/books.ts, and by transaction test/checker.ts.
 */
import type { Command } from 'commander'
import { auditBooks, recordedBooks } from '../bench/books.ts'
import { someOf } from '../bench/report.ts'
import { isNumbered } from '../bench/workload.ts'
import { systemClock } from '../lib/runtime/clock.ts'
import { readConfig } from '../lib/runtime/config.ts'
import { checkShop, settled } from '../test/checker.ts'
import { httpRecords } from '../test/http-records.ts'
import type { ShopRecords } from '../test/records.ts'
import { exitCodes } from './failure.ts'
import { duration, say, sayJson } from './print.ts'
import { addDataFlag } from './settings-flags.ts'
import { findShop } from './shop-client.ts'
import { whole } from './whole-number.ts'

const examples = `
Examples:
  ./till check                                the shop on .till
  ./till check --stock 1000 --credit 10000    what ./till init gave every item and user
  ./till check --per-transaction              every debit and decrement by its transaction

Run it when nobody sends requests to the shop: it waits until nothing is open, then reads. Exits
with 1 when something does not add up, and says what. --stock and --credit are compared with the
records "0", "1", ... that batch_init made, less what paid orders took; all three kinds must have
been filled since anything was paid. --per-transaction needs a shop that has run with AUDIT=true
since then.`

/** Also of who does not wait for the shop to come to rest. */
const leastPatienceMs = 2_000

interface Flags {
  readonly data?: string
  readonly stock?: number
  readonly credit?: number
  readonly perTransaction?: true
  readonly within: number
  readonly json?: true
}

export function define(command: Command): void {
  addDataFlag(command)
  command
    .option('--stock <number>', 'units that every item was filled with', whole)
    .option('--credit <number>', 'credit that every user was filled with', whole)
    .option('--per-transaction', 'compare by transaction too; needs AUDIT=true')
    .option('--within <seconds>', 'how long it may take to come to rest, or to answer', whole, 5)
    .option('--json', 'the differences as JSON on stdout')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      const config = readConfig(flags.data === undefined ? {} : { data: flags.data })
      const withinMs = Math.max(leastPatienceMs, flags.within * 1_000)
      const records = httpRecords(findShop(config.data).internal, withinMs)
      try {
        await check(records, flags)
      } finally {
        await records.close()
      }
    })
}

async function check(records: ShopRecords, flags: Flags): Promise<void> {
  const startedAt = systemClock.now()
  await settled(records, flags.within * 1_000)
  const differences = await differencesOf(records, flags)
  const ms = Math.round(systemClock.now() - startedAt)
  if (flags.json) sayJson({ differences, ms })
  else if (differences.length === 0) say(`No differences, in ${duration(ms)}.`)
  else say([`${differences.length} differences:`, ...someOf(differences)].join('\n'))
  if (differences.length > 0) process.exitCode = exitCodes.failed
}

async function differencesOf(
  records: ShopRecords,
  { stock, credit, perTransaction }: Flags,
): Promise<readonly string[]> {
  const isFilled = (id: string) => isNumbered(id, Infinity)
  if (perTransaction) {
    return checkShop(records, {
      stock: (id) => (isFilled(id) ? stock : undefined),
      credit: (id) => (isFilled(id) ? credit : undefined),
    })
  }
  const open = (await records.open()).map(({ transaction, orderId }) => {
    return `transaction ${transaction} of order ${orderId} is still open`
  })
  const audit = await auditBooks(recordedBooks(records), {
    ...{ stock, credit },
    isOurItem: isFilled,
    isOurUser: isFilled,
    isOurOrder: () => true,
    statusOf: () => 0,
  })
  return [...open, ...audit.differences]
}
