/**
 * The main job from the command line: a table, and exit code 1 where anything was lost. What it
 * does: endurance-run.ts.
 */
import { Command, Option } from 'commander'
import { table } from '../cli/print.ts'
import { whole } from '../cli/whole-number.ts'
import { variants } from '../test/variants.ts'
import { type EnduranceResult, type EnduranceSettings, endure, mainJob } from './endurance-run.ts'
import { environment } from './environment.ts'
import { exitOnSignals } from './processes.ts'
import { openProgress } from './progress.ts'
import { someOf } from './report.ts'
import { keepResult, refreshReadme } from './results.ts'

const head = [
  'variant',
  'checkouts',
  'paid',
  'refused',
  'not known',
  'repeats',
  'seconds',
  'kill to answer, ms',
  'rest, ms',
  'differences',
]

function rowOf(result: EnduranceResult): string[] {
  const { variant, settings, paid, refused, notKnown, repeated, elapsedMs } = result
  const restarts = result.restartMs.map((ms) => Math.round(ms)).join(', ')
  return [
    variant,
    ...[settings.checkouts, paid, refused, notKnown, repeated].map((each) =>
      each.toLocaleString('en-US'),
    ),
    (elapsedMs / 1_000).toFixed(1),
    restarts,
    Math.round(result.restMs).toString(),
    result.differences.length.toString(),
  ]
}

function keep(name: string, results: readonly EnduranceResult[]): void {
  const where = environment()
  const { items, users, orders, clients, kills } = results[0]!.settings
  const many = (count: number, what: string) => `${count.toLocaleString('en-US')} ${what}`
  const sizes = [many(items, 'items'), many(users, 'users'), many(orders, 'orders')].join(', ')
  const caption =
    `${sizes}; ${clients} clients; ${kills} times kill -9; ` +
    `${where.cores} cores (${where.processor}), Node ${where.node}, commit ${where.commit}.`
  const rows = results.map(rowOf)
  keepResult({ name, caption, head, rows, details: { environment: where, results } })
  refreshReadme()
}

const meanings: Readonly<Record<keyof EnduranceSettings, string>> = {
  items: 'items of the shop',
  users: 'users of the shop',
  orders: 'orders of the shop',
  stock: 'units of each item',
  credit: 'of each user',
  price: 'of a unit',
  checkouts: 'checkouts, drawn at random: some of them repeat others',
  clients: 'clients at once',
  kills: 'times that the shop is killed on the way',
  seed: 'of what is drawn',
  port: 'of the shop (0: any free one)',
}

const examples = `
Examples:
  node_modules/.bin/node bench/endurance.ts                     all four variants, full size
  node_modules/.bin/node bench/endurance.ts --variant saga/order --checkouts 5000 --kills 10`

const names = variants.map(({ name }) => name)
const program = new Command('endurance')
  .description('The main job: a shop that is killed on the way loses nothing.')
  .addOption(new Option('--variant <variant...>', 'some of the four').choices(names).default(names))
  .option('--keep <name>', 'keep the figures in bench/results, and its table in the README')
  .addHelpText('after', examples)
for (const [name, meaning] of Object.entries(meanings)) {
  program.option(`--${name} <number>`, meaning, whole, mainJob[name as keyof EnduranceSettings])
}

exitOnSignals()
const given = program
  .parse()
  .opts<EnduranceSettings & { readonly variant: readonly string[]; readonly keep?: string }>()
const settings = Object.fromEntries(
  Object.keys(mainJob).map((name) => [name, given[name as keyof EnduranceSettings]]),
) as unknown as EnduranceSettings

const results: EnduranceResult[] = []
for (const variant of given.variant) {
  const progress = openProgress(variant)
  results.push(await endure(variant, settings, progress))
  progress.end()
}
console.log(table(head, results.map(rowOf)))
for (const { variant, differences } of results) {
  if (differences.length > 0) console.log([`${variant}:`, ...someOf(differences)].join('\n  '))
}
if (given.keep !== undefined) keep(given.keep, results)
if (results.some(({ differences }) => differences.length > 0)) process.exitCode = 1
