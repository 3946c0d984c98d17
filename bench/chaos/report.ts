/**
 * A run as people read it: a row for each fault, the throughput over time with the faults drawn in
 * (as text, or as SVG), and what the processes used. Pure.
 */
import { median } from '../statistics.ts'
import type { ChaosResult, InflictedFault, TimedAnswer } from './run.ts'
import type { Look, Used } from './watch.ts'

export interface FaultFigures {
  readonly fault: InflictedFault
  /** The longest time without a paid checkout that began at the fault or after it. */
  readonly unavailableMs: number
  /** Checkouts in doubt, at most, until the next fault. */
  readonly inDoubtPeak: number
  /** From the fault's end until none was in doubt; undefined if the next fault came before. */
  readonly drainMs: number | undefined
}

/** Each fault has the time until the next one. */
export function figuresOf({ answers, faults, looks, settings }: ChaosResult): FaultFigures[] {
  const paidAt = answers.filter(({ status }) => status === 200).map(({ atMs }) => atMs)
  return faults.map((fault, index) => {
    const until = faults[index + 1]?.atMs ?? settings.durationMs
    const own = looks.filter(({ atMs }) => atMs >= fault.atMs && atMs < until)
    return {
      fault,
      unavailableMs: longestGap(paidAt, fault.atMs, until),
      inDoubtPeak: Math.max(0, ...own.map(({ inDoubt }) => inDoubt ?? 0)),
      drainMs: drainOf(own, fault.endedMs),
    }
  })
}

function longestGap(paidAt: readonly number[], from: number, until: number): number {
  let [longest, last] = [0, from]
  for (const at of paidAt) {
    if (at < from || at > until) continue
    longest = Math.max(longest, at - last)
    last = at
  }
  return Math.round(Math.max(longest, until - last))
}

/** A look that was not answered counts as one that found some in doubt. */
function drainOf(looks: readonly Look[], from: number): number | undefined {
  const lastInDoubt = looks.findLastIndex(({ inDoubt }) => inDoubt !== 0)
  const clean = looks[lastInDoubt + 1]
  return clean === undefined ? undefined : Math.max(0, Math.round(clean.atMs - from))
}

export const faultHead = [
  'second',
  'fault',
  'of',
  'lasted ms',
  'unavailable ms',
  'in doubt',
  'drained after ms',
] as const

export const faultRows = (result: ChaosResult): string[][] =>
  figuresOf(result).map(({ fault, unavailableMs, inDoubtPeak, drainMs }) => [
    (fault.atMs / 1_000).toFixed(1),
    fault.kind,
    fault.targets.join(' and '),
    String(fault.endedMs - fault.atMs),
    String(unavailableMs),
    String(inDoubtPeak),
    drainMs === undefined ? 'not before the next' : String(drainMs),
  ])

/** Answers of each second by what they say. */
export function perSecond(answers: readonly TimedAnswer[], durationMs: number) {
  const seconds = Array.from({ length: Math.ceil(durationMs / 1_000) }, () => ({
    ...{ paid: 0, unavailable: 0, other: 0 },
  }))
  for (const { atMs, status } of answers) {
    const second = seconds[Math.floor(atMs / 1_000)]
    if (second === undefined) continue
    if (status === 200) second.paid++
    else if (status === 503) second.unavailable++
    else second.other++
  }
  return seconds
}

const bars = ' ▁▂▃▄▅▆▇█'
const widest = 96

/** Paid checkouts a second from left to right, and below them a mark where a fault began. */
export function plot({ answers, faults, settings }: ChaosResult): string {
  const seconds = perSecond(answers, settings.durationMs)
  const perColumn = Math.ceil(seconds.length / widest)
  const columns = Array.from({ length: Math.ceil(seconds.length / perColumn) }, (_, index) => {
    const own = seconds.slice(index * perColumn, (index + 1) * perColumn)
    return own.reduce((sum, { paid }) => sum + paid, 0) / own.length
  })
  const most = Math.max(1, ...columns)
  const top = columns.map((paid) => bars[Math.ceil((paid / most) * (bars.length - 1))]).join('')
  const marked = new Set(faults.map(({ atMs }) => Math.floor(atMs / 1_000 / perColumn)))
  const marks = columns.map((_, index) => (marked.has(index) ? '^' : ' ')).join('')
  return `${top}  up to ${Math.round(most)} paid/s\n${marks.trimEnd()}`
}

export interface ProcessFigures {
  readonly name: string
  /** Medians of the first and the last third of the run. */
  readonly ownMb: readonly [number, number]
  /** Of the one that lived longest, once it is warm; undefined where none lived long enough. */
  readonly ownMbPerMinute: number | undefined
  readonly descriptors: readonly [number, number]
}

/** A process grows for so long after its start without leaking: its code, its heap's usual size. */
const warmAfterMs = 3 * 60_000
/** A slope of less time than this is noise. */
const leastSlopeMs = 3 * 60_000

/** Between the medians of the first and the last third, which a single collection does not move. */
function slopeOf(own: readonly Used[]): number | undefined {
  const lives = Map.groupBy(own, ({ pid }) => pid).values()
  const spanOf = (life: readonly Used[]) => life.at(-1)!.atMs - life[0]!.atMs
  const [longest] = [...lives].sort((a, b) => spanOf(b) - spanOf(a))
  const warm = longest!.filter(({ atMs }) => atMs >= longest![0]!.atMs + warmAfterMs)
  if (warm.length === 0 || spanOf(warm) < leastSlopeMs) return undefined
  const [from, third] = [warm[0]!.atMs, spanOf(warm) / 3]
  const middle = (part: number) =>
    median(
      warm
        .filter(({ atMs }) => Math.min(2, Math.floor((atMs - from) / third)) === part)
        .map(({ ownBytes }) => ownBytes / 1e6),
    )
  return (middle(2) - middle(0)) / ((2 * third) / 60_000)
}

/** Under one name many processes may have run: all of them are one line. */
export function usageFigures({ used, settings }: ChaosResult): ProcessFigures[] {
  const third = settings.durationMs / 3
  return [...Map.groupBy(used, ({ name }) => name)].map(([name, own]) => {
    const middle = (from: number, pick: (each: (typeof own)[number]) => number) => {
      const values = own.filter(({ atMs }) => atMs >= from && atMs < from + third).map(pick)
      return values.length === 0 ? Number.NaN : median(values)
    }
    const pair = (pick: (each: (typeof own)[number]) => number) =>
      [middle(0, pick), middle(2 * third, pick)] as const
    const ownMb = pair(({ ownBytes }) => ownBytes / 1e6)
    const descriptors = pair((each) => each.descriptors)
    return { name, ownMb, ownMbPerMinute: slopeOf(own), descriptors }
  })
}

export const usageHead = ['process', 'MB first third', 'last third', 'MB/min', 'fds', 'last third']

export const usageRows = (result: ChaosResult): string[][] =>
  usageFigures(result).map(({ name, ownMb, ownMbPerMinute, descriptors }) => [
    name,
    ...ownMb.map((mb) => mb.toFixed(1)),
    ownMbPerMinute?.toFixed(2) ?? '-',
    ...descriptors.map(String),
  ])

const size = { width: 1_200, height: 300, margin: 40 } as const

/** The same plot for a browser: paid green, 503 orange, other red, faults as lines with names. */
export function svg({ variant, answers, faults, settings }: ChaosResult): string {
  const seconds = perSecond(answers, settings.durationMs)
  const most = Math.max(
    1,
    ...seconds.map(({ paid, unavailable, other }) => paid + unavailable + other),
  )
  const { width, height, margin } = size
  const x = (second: number) => margin + (second / seconds.length) * (width - 2 * margin)
  const y = (count: number) => height - margin - (count / most) * (height - 2 * margin)
  const line = (colour: string, pick: (each: (typeof seconds)[number]) => number) => {
    const dots = seconds.map(
      (each, second) => `${x(second).toFixed(1)},${y(pick(each)).toFixed(1)}`,
    )
    return `<polyline fill="none" stroke="${colour}" points="${dots.join(' ')}"/>`
  }
  const marks = faults.map(({ atMs, kind, targets }) => {
    const at = x(atMs / 1_000).toFixed(1)
    const title = `${kind} ${targets.join(' and ')}`
    const path = `<path d="M${at} ${margin}V${height - margin}" stroke="grey"/>`
    const turned = `transform="rotate(-45 ${at} ${margin})"`
    return `<g>${path}<text x="${at}" y="${margin}" font-size="8" ${turned}>${title}</text></g>`
  })
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}">`,
    `<text x="${margin}" y="${height - 8}">${variant}: checkouts a second, up to ${most}</text>`,
    ...marks,
    line('green', ({ paid }) => paid),
    line('orange', ({ unavailable }) => unavailable),
    line('red', ({ other }) => other),
    '</svg>',
    '',
  ].join('\n')
}
