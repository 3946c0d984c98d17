/** `./till transactions`: what is open, the newest that have ended, and what each waits for. */
import { type Command, InvalidArgumentError } from 'commander'
import { readConfig } from '../lib/runtime/config.ts'
import type { State } from '../protocol/protocol.ts'
import { endedTransactions, type OpenTransaction, openTransactions } from './inspect.ts'
import { duration, say, sayJson, table } from './print.ts'
import { addDataFlag } from './settings-flags.ts'
import { findShop } from './shop-client.ts'
import { decisionOf, waitsFor, waitsWhileOpen } from './waits.ts'

const examples = `
Examples:
  ./till transactions              what is open, and the newest that have ended
  ./till transactions --open       what is open only
  ./till transactions --limit 200 --json

Every coordinator partition shows its own newest; there is no order between partitions.`

interface Flags {
  readonly data?: string
  readonly open?: true
  readonly limit: number
  readonly json?: true
}

export function define(command: Command): void {
  addDataFlag(command)
  command
    .option('--open', 'only those that have not ended')
    .option('--limit <number>', 'ended ones of each coordinator partition', whole, 20)
    .option('--json', 'everything as JSON on stdout')
    .addHelpText('after', examples)
    .action(async ({ data, open: isOpenOnly, limit, json }: Flags) => {
      const config = readConfig(data === undefined ? {} : { data })
      const { internal: base } = findShop(config.data)
      const open = await openTransactions(base)
      const ended = isOpenOnly ? [] : await endedTransactions(base, limit)
      if (json) sayJson({ open: open.map(openForMachines), ended: ended.map(forMachines) })
      else say(forPeople(open, ended))
    })
}

const forMachines = (state: State) => ({ ...state, waits: waitsFor(state) })
const openForMachines = ({ state, ageMs }: OpenTransaction) => ({
  ...state,
  waits: waitsWhileOpen(state),
  ageMs,
})

function forPeople(open: readonly OpenTransaction[], ended: readonly State[]): string {
  if (open.length + ended.length === 0) return 'There is none.'
  const rows = [
    ...open.map(({ state, ageMs }) => row(state, duration(ageMs), waitsWhileOpen(state))),
    ...ended.map((state) => row(state, '', '')),
  ]
  const head = ['transaction', 'protocol', 'order', 'phase', 'decision', 'age', '']
  const count = open.length === 0 ? 'None is open.' : `${open.length} open.`
  return `${table(head, rows)}\n\n${count} ./till transaction ID says more of one.`
}

const row = (state: State, age: string, waits: string) => [
  state.transaction,
  state.protocol,
  state.orderId,
  state.phase,
  decisionOf(state),
  age,
  waits,
]

const largestLimit = 100_000

function whole(text: string): number {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= largestLimit) return value
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${largestLimit}.`)
}
