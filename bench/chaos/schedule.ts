/**
 * What is done to a shop, and when, drawn from a seed: pure. Faults are dealt like cards: each that
 * there is comes once before any comes again. Next: shops.ts, which can inflict them.
 */
import type { Random } from '../../lib/runtime/random.ts'
import type { ProcessKind } from '../../watchdog/process-spec.ts'

export interface Part {
  readonly name: string
  readonly kind: ProcessKind
}

/**
 * kill        `kill -9`; whoever watches brings it back
 * kill twice  and again `lastsMs` after it was started: in recovery
 * pause       SIGSTOP, and SIGCONT after `lastsMs` if it was not replaced meanwhile
 * kill both   two at the same moment
 * power cut   a database is killed, and the write that it was at is on the disk by half
 * down        killed, and nobody brings it back for `lastsMs`
 *
 * A link (cli/link/main.ts) that is killed or down is cut; one that is paused is slow.
 */
export type FaultKind = 'kill' | 'kill twice' | 'pause' | 'kill both' | 'power cut' | 'down'

export interface Fault {
  readonly kind: FaultKind
  readonly targets: readonly string[]
  readonly lastsMs: number
}

export interface PlannedFault extends Fault {
  readonly atMs: number
}

const longestPauseMs = 4_000
const longestSecondKillMs = 500
const brokerDownMs = 30_000
/** Longer than anybody waits for an answer. */
const linkDownMs = 6_000
/** Of the time between two faults, by chance. */
const jitter = 0.3

export interface ScheduleOptions {
  readonly parts: readonly Part[]
  readonly random: Random
  /** Between two faults, on the average; not counting how long each lasts. */
  readonly everyMs: number
  /** Nothing is inflicted that would not be over by then. */
  readonly endMs: number
}

export function drawSchedule(options: ScheduleOptions): readonly PlannedFault[] {
  const { random, everyMs, endMs } = options
  const planned: PlannedFault[] = []
  let deck: Fault[] = []
  for (let atMs = everyMs; ; ) {
    if (deck.length === 0) deck = drawDeck(options)
    const fault = deck.pop()!
    if (atMs + fault.lastsMs > endMs) return planned
    planned.push({ ...fault, atMs: Math.round(atMs) })
    atMs += fault.lastsMs + everyMs * (1 - jitter + 2 * jitter * random.next())
  }
}

/** Every fault once, shuffled; how long each lasts is drawn anew. */
function drawDeck({ parts, random }: ScheduleOptions): Fault[] {
  const of = (kind: ProcessKind) => parts.filter((part) => part.kind === kind)
  const one = (kind: FaultKind, { name }: Part, lastsMs = 0): Fault => ({
    ...{ kind, targets: [name], lastsMs },
  })
  const deck: Fault[] = [
    ...parts.map((part) => one('kill', part)),
    ...parts.map((part) => one('pause', part, 1 + random.integer(longestPauseMs))),
    ...of('service').map((part) =>
      one('kill twice', part, 1 + random.integer(longestSecondKillMs)),
    ),
    ...of('database').map((part) => one('power cut', part)),
    ...of('broker').map((part) => one('down', part, brokerDownMs)),
    ...of('link').map((part) => one('down', part, linkDownMs)),
  ]
  for (let pairs = 0; pairs < Math.floor(parts.length / 4); pairs++) {
    deck.push({ kind: 'kill both', targets: drawPair(parts, random), lastsMs: 0 })
  }
  return shuffled(deck, random)
}

/** Never two watchdogs: where there are two, nobody is left to bring anything back. */
function drawPair(parts: readonly Part[], random: Random): readonly string[] {
  const [first, ...others] = shuffled(parts, random)
  const second = others.find(({ kind }) => first!.kind !== 'watchdog' || kind !== 'watchdog')
  return [first!.name, second!.name]
}

function shuffled<T>(list: readonly T[], random: Random): T[] {
  const left = [...list]
  return list.map(() => left.splice(random.integer(left.length), 1)[0]!)
}
