/**
 * The main job from the command line: a table, and exit code 1 where anything was lost. What it
 * does: endurance-run.ts.
 *
 *   node_modules/.bin/node bench/endurance.ts                     all four variants, full size
 *   node_modules/.bin/node bench/endurance.ts --variant saga/order --checkouts 5000 --kills 10
 *
 * Every number of `mainJob` has a flag of its name; --keep NAME keeps the figures in results/.
 */
import { parseArgs } from 'node:util'
import { table } from '../cli/print.ts'
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

const numberFlags = Object.keys(mainJob) as (keyof EnduranceSettings)[]

exitOnSignals()
const { values } = parseArgs({
  options: {
    variant: { type: 'string', multiple: true },
    keep: { type: 'string' },
    ...Object.fromEntries(numberFlags.map((name) => [name, { type: 'string' as const }])),
  },
})
const given = values as { variant?: string[]; keep?: string } & Partial<Record<string, string>>
const settings = { ...mainJob }
for (const name of numberFlags) {
  const value = Number(given[name] ?? mainJob[name])
  if (!Number.isSafeInteger(value) || value < 0)
    throw new Error(`--${name} must be a whole number.`)
  settings[name] = value
}

const results: EnduranceResult[] = []
for (const variant of given.variant ?? variants.map(({ name }) => name)) {
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
