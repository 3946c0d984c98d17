/** `./till transaction ID`: what the log and each participant say of one checkout, side by side. */
import type { Command } from 'commander'
import { readConfig } from '../lib/runtime/config.ts'
import type { Branch, ServiceName } from '../protocol/messages.ts'
import type { State } from '../protocol/protocol.ts'
import { parseTransactionId } from '../protocol/transaction-id.ts'
import { CommandFailure } from './failure.ts'
import { inspect, type Known } from './inspect.ts'
import { duration, say, sayJson, table } from './print.ts'
import { addDataFlag } from './settings-flags.ts'
import { findShop } from './shop-client.ts'
import { decisionOf, memoryOf, placeOf, waitsFor, waitsWhileOpen } from './waits.ts'

const examples = `
Examples:
  ./till transaction order.0.1.42
  ./till transaction orchestrator.0.3.7 --json

An id is made of home, partition, epoch and number; ./till transactions lists them.`

export function define(command: Command): void {
  addDataFlag(command)
  command
    .argument('<id>', 'the id of the transaction')
    .option('--json', 'everything as JSON on stdout')
    .addHelpText('after', examples)
    .action(async (id: string, { data, json }: { data?: string; json?: true }) => {
      const config = readConfig(data === undefined ? {} : { data })
      const known = await inspect(findShop(config.data).internal, id)
      const waits = storyOf(known)
      if (json) sayJson({ ...known, waits })
      else say(forPeople(known, waits))
    })
}

const isRemembered = ({ branches }: Known) =>
  Object.values(branches).some(({ length }) => length > 0)

/** How the sentence about it goes on; throws CommandFailure where nothing is known at all. */
function storyOf(known: Known): string {
  if (known.state !== null) {
    return known.ageMs === null ? waitsFor(known.state) : waitsWhileOpen(known.state)
  }
  if (isRemembered(known)) {
    return 'is in no log; a participant that still holds something asks about it'
  }
  throw new CommandFailure(
    `Nothing is known of ${known.transaction}: it never began, or ended and has been forgotten ` +
      '(KEPT_DECISIONS says how many are kept).',
  )
}

function forPeople(known: Known, waits: string): string {
  const { state, ageMs, transaction } = known
  const { home, partition, epoch } = parseTransactionId(transaction)!
  const facts = [
    ['coordinator', `${home} partition ${partition}, epoch ${epoch}`],
    ...(state === null
      ? []
      : [
          ['protocol', state.protocol],
          ['order', state.orderId],
          ['phase', state.phase],
          ['decision', decisionOf(state)],
        ]),
    ...(ageMs === null ? [] : [['age', duration(ageMs)]]),
  ]
  const lines = facts.map(([name = '', value = '']) => `  ${name.padEnd(12)} ${value}`)
  const branches = state === null ? rememberedRows(known) : branchRows(known, state)
  const head = ['branch', 'entries', 'coordinator', 'participant remembers']
  return [
    `Transaction ${transaction}`,
    ...lines,
    '',
    table(head, branches),
    '',
    `It ${waits}.`,
  ].join('\n')
}

/** An order's amount is its version. */
const entriesOf = (service: ServiceName, entries: Branch['entries']) =>
  entries
    .map(({ id, amount }) =>
      service === 'order' ? `${id}, version ${amount}` : `${id} x ${amount}`,
    )
    .join(', ')

function branchRows(known: Known, state: State): string[][] {
  return state.branches.map((branch, index) => {
    const { service, partition, entries } = branch
    const record = known.branches[service].find((each) => each.partition === partition)
    const remembers = memoryOf(state, index, record)
    return [placeOf(branch), entriesOf(service, entries), state.status[index] ?? '', remembers]
  })
}

function rememberedRows({ branches }: Known): string[][] {
  return (Object.entries(branches) as [ServiceName, Known['branches'][ServiceName]][]).flatMap(
    ([service, records]) =>
      records.map((record) => [
        placeOf({ service, partition: record.partition }),
        entriesOf(service, record.entries),
        '',
        record.state,
      ]),
  )
}
