/**
 * Overload from the command line: a table, and exit code 1 where an answer was wrong. What it does:
 * overload-run.ts.
 */
import { Command, Option } from 'commander'
import { table } from '../cli/print.ts'
import { whole } from '../cli/whole-number.ts'
import { variants } from '../test/variants.ts'
import { environment } from './environment.ts'
import { type Met, type OverloadResult, overload } from './overload-run.ts'
import { exitOnSignals } from './processes.ts'
import { openProgress } from './progress.ts'
import { someOf } from './report.ts'
import { keepResult, refreshReadme } from './results.ts'

const head = [
  'load',
  'planned/s',
  'asked/s',
  'goodput/s',
  'p99 ms of 200',
  '4xx',
  '503',
  'other',
  'lag p99 ms',
]

const rowOf = (met: Met) => {
  const { name, planned, asked, goodput, p99Ms, refused, unavailable, failed, lagP99Ms } = met
  return [
    name,
    planned === undefined ? '' : String(Math.round(planned)),
    String(Math.round(asked)),
    String(Math.round(goodput)),
    p99Ms.toFixed(0),
    String(refused),
    String(unavailable),
    String(failed),
    lagP99Ms === undefined ? '' : lagP99Ms.toFixed(0),
  ]
}

/** No more commands than this share may be sent again because of the crowd. */
const mostResends = 0.1

const factors = [2, 5]

interface Flags {
  readonly variant: string
  readonly seconds: number
  readonly orders: number
  readonly seed: number
  readonly keep?: string
  readonly json?: true
}

const examples = `
Examples:
  node_modules/.bin/node bench/overload.ts
  node_modules/.bin/node bench/overload.ts --variant saga/orchestrator --seconds 10 --orders 900000`

const program = new Command('overload')
  .description('What becomes of a crowd that is too large: capacity, 2 and 5 times of it, rest.')
  .addOption(
    new Option('--variant <variant>', 'of the shop that it starts')
      .choices(variants.map(({ name }) => name))
      .default('2pc/order'),
  )
  .option('--seconds <number>', 'of each of the four loads', whole, 60)
  .option('--orders <number>', 'of the shop: each is asked for once', whole, 4_000_000)
  .option('--seed <number>', 'of what is drawn', whole, 1)
  .option('--keep <name>', 'keep the figures in bench/results, and its table in the README')
  .option('--json', 'everything that was measured, as JSON on stdout')
  .addHelpText('after', examples)
  .parse()

function keep(name: string, { settings, met }: OverloadResult): void {
  const where = environment()
  const { variant, durationMs } = settings
  const caption =
    `${variant}, ${durationMs / 1_000} s each; ` +
    `${where.cores} cores (${where.processor}), Node ${where.node}, commit ${where.commit}.`
  const details = { environment: where, settings, met }
  keepResult({ name, caption, head, rows: met.map(rowOf), details })
  refreshReadme()
}

exitOnSignals()
const { variant, seconds, orders, seed, keep: name, json } = program.opts<Flags>()
const progress = openProgress(variant)
const result = await overload(
  { variant, factors, durationMs: seconds * 1_000, orders, seed },
  progress,
)
progress.end()
const { met, resendShare, saysRetryAfter, statuses, differences } = result
const lines = [
  table(head, met.map(rowOf)),
  `commands sent again: ${(resendShare * 100).toFixed(1)} %`,
  `503 with Retry-After: ${saysRetryAfter ?? 'none was seen'}`,
  `answers by status: ${JSON.stringify(statuses)}`,
  `differences: ${differences.length}`,
  ...someOf(differences),
]
process.stdout.write(json ? `${JSON.stringify(result)}\n` : `${lines.join('\n')}\n`)
if (name !== undefined) keep(name, result)
const isRight =
  differences.length === 0 &&
  resendShare <= mostResends &&
  saysRetryAfter !== false &&
  met.every(({ failed }) => failed === 0)
if (!isRight) process.exitCode = 1
