/**
 * Figures as people read them: one row for each variant and mix, the median where there were
 * several runs, and each row as a ratio of the first. results.ts keeps the same rows for
 * README.md.
 */
import { seededRandom } from '../lib/runtime/random.ts'
import type { Figures } from './run.ts'
import type { Costs } from './shop-counters.ts'
import { median, medianInterval } from './statistics.ts'

/** The runs of one variant under one mix. */
export interface Series {
  readonly variant: string
  readonly mix: string
  readonly runs: readonly Figures[]
}

export const head = [
  'variant',
  'mix',
  'paid/s',
  'ratio',
  'p50 ms',
  'p90',
  'p99',
  'p99.9',
  'max',
  '4xx',
  '503',
  'other',
  'CPU µs',
  'ratio',
  'own MB',
  'generator',
  'books',
] as const

/** A generator above this share of a core may be what limits the figures. */
const busyGeneratorPercent = 80

/** In the order of `head`. */
export function rowsOf(all: readonly Series[]): string[][] {
  const first = all[0]
  return all.map((series) => {
    const { variant, mix, runs } = series
    const middle = (pick: (figures: Figures) => number) => median(runs.map(pick))
    const sum = (pick: (figures: Figures) => number) =>
      whole(runs.reduce((total, figures) => total + pick(figures), 0))
    const cpu = (figures: Figures) => figures.costs.cpuMicros ?? Number.NaN
    return [
      variant,
      mix,
      whole(middle(({ perSecond }) => perSecond)),
      ratio(series, first!, ({ perSecond }) => perSecond),
      ms(middle(({ latencyMs }) => latencyMs.p50)),
      ms(middle(({ latencyMs }) => latencyMs.p90)),
      ms(middle(({ latencyMs }) => latencyMs.p99)),
      ms(middle(({ latencyMs }) => latencyMs.p99_9)),
      ms(middle(({ latencyMs }) => latencyMs.max)),
      sum(({ refused }) => refused),
      sum(({ unavailable }) => unavailable),
      sum(({ failed }) => failed),
      whole(middle(cpu)),
      ratio(series, first!, cpu),
      memory(runs),
      generator(middle(({ generatorCpuPercent }) => generatorCpuPercent)),
      books(runs),
    ]
  })
}

/** Columns of what one checkout costs, after the names of what was measured. */
const costColumns: readonly (readonly [title: string, cost: keyof Costs])[] = [
  ['CPU µs', 'cpuMicros'],
  ['steps', 'steps'],
  ['durable writes', 'durableWrites'],
  ['bytes written', 'writtenBytes'],
  ['Redis commands', 'redisCommands'],
  ['Redis bytes', 'redisBytes'],
  ['Kafka records', 'kafkaRecords'],
  ['Kafka bytes', 'kafkaBytes'],
]

export const costHead: readonly string[] = [
  'of one checkout',
  'mix',
  ...costColumns.map(([title]) => title),
]

/** In the order of `costHead`. */
export function costRowsOf(all: readonly Series[]): string[][] {
  return all.map(({ variant, mix, runs }) => [
    variant,
    mix,
    ...costColumns.map(([, cost]) => {
      const value = median(runs.map(({ costs }) => costs[cost] ?? Number.NaN))
      return value < 100 ? String(Number(value.toPrecision(2))) : whole(value)
    }),
  ])
}

const unknown = '–'
const whole = (value: number) =>
  Number.isNaN(value) ? unknown : Math.round(value).toLocaleString('en-US')
const ms = (value: number) => value.toFixed(value < 10 ? 2 : 1)

/** The median of the ratios of paired runs, with its interval where there are enough of them. */
function ratio(series: Series, first: Series, pick: (figures: Figures) => number): string {
  if (series === first) return '1'
  const ratios = series.runs.flatMap((run, index) => {
    const paired = first.runs[index]
    return paired === undefined ? [] : [pick(run) / pick(paired)]
  })
  if (ratios.length === 0 || ratios.some(Number.isNaN)) return unknown
  const interval = medianInterval(ratios, seededRandom(1))
  const between =
    interval === undefined ? '' : ` (${interval.low.toFixed(2)}–${interval.high.toFixed(2)})`
  return median(ratios).toFixed(2) + between
}

function memory(runs: readonly Figures[]): string {
  const megabytes = (pick: (figures: Figures) => number | undefined) =>
    whole(median(runs.map((figures) => (pick(figures) ?? Number.NaN) / 1e6)))
  const before = megabytes(({ ownBytesBefore }) => ownBytesBefore)
  return `${before} → ${megabytes(({ ownBytesAfter }) => ownBytesAfter)}`
}

const generator = (percent: number) =>
  `${Math.round(percent)} %${percent > busyGeneratorPercent ? ' (!)' : ''}`

function books(runs: readonly Figures[]): string {
  const differences = runs.reduce((total, run) => total + run.differences.length, 0)
  return differences === 0 ? 'right' : `${differences} WRONG`
}

/** Sentences about what makes figures doubtful or worthless; none if all is well. */
export function warnings(all: readonly Series[]): string[] {
  return all.flatMap(({ variant, mix, runs }) => {
    const of = `${variant}, ${mix}:`
    const busy = runs.some((run) => run.generatorCpuPercent > busyGeneratorPercent)
    const wrong = runs.flatMap((run) => run.differences)
    return [
      ...(busy ? [`${of} the load generator was busy; the shop may be faster than shown.`] : []),
      ...(wrong.length > 0 ? [`${of} the books are wrong, so the figures are worth nothing.`] : []),
      ...someOf(wrong).map((difference) => `  ${difference}`),
    ]
  })
}

const mostShown = 20

/** The first of many sentences, and how many more there are. */
export function someOf(sentences: readonly string[]): string[] {
  const more = sentences.length - mostShown
  const shown = sentences.slice(0, mostShown)
  return more > 0 ? [...shown, `and ${more} more`] : shown
}
