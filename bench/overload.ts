/**
 * Overload from the command line: a table, and exit code 1 where an answer was wrong. What it does:
 * overload-run.ts.
 *
 *   node_modules/.bin/node bench/overload.ts
 *   node_modules/.bin/node bench/overload.ts --variant saga/orchestrator --seconds 10
 */
import { parseArgs } from 'node:util'
import { table } from '../cli/print.ts'
import { type Met, overload } from './overload-run.ts'
import { exitOnSignals } from './processes.ts'
import { openProgress } from './progress.ts'

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

exitOnSignals()
const { values } = parseArgs({
  options: {
    variant: { type: 'string', default: '2pc/order' },
    seconds: { type: 'string', default: '60' },
    orders: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
  },
})
const progress = openProgress(values.variant)
const result = await overload(
  {
    variant: values.variant,
    factors: [2, 5],
    durationMs: Number(values.seconds) * 1_000,
    orders: Number(values.orders),
    seed: Number(values.seed),
  },
  progress,
)
progress.end()
const { met, resendShare, saysRetryAfter, statuses, differences } = result
process.stdout.write(
  [
    table(head, met.map(rowOf)),
    `commands sent again: ${(resendShare * 100).toFixed(1)} %`,
    `503 with Retry-After: ${saysRetryAfter ?? 'none was seen'}`,
    `answers by status: ${JSON.stringify(statuses)}`,
    `differences: ${differences.length}`,
    ...differences.slice(0, 20),
    '',
  ].join('\n'),
)
const isRight =
  differences.length === 0 &&
  resendShare <= mostResends &&
  saysRetryAfter !== false &&
  met.every(({ failed }) => failed === 0)
if (!isRight) process.exitCode = 1
