/**
 * One group of units of work as one call of compare-and-set.lua, and what its answer means to each.
 *
 * Promise: units of one partition take effect in the order in which they were added, or, if what
 * they read was not so, not at all and are handed back in that order. Next: redis-lane.ts.
 */
import { placeOf } from './keys.ts'
import type { RedisCommand } from './redis-client.ts'
import type { Refusal } from './redis-errors.ts'
import type { KnownRecords } from './redis-known-records.ts'
import type { GroupDraft, StoredRecord } from './step.ts'
import type { Draft, Json } from './storage.ts'

interface Waiting {
  readonly partition: number
  /** On the clock: not waited for longer than this. */
  readonly giveUpAt: number
  resolve(result: never): void
  reject(error: unknown): void
}

export type Unit = Waiting &
  (
    | {
        readonly kind: 'step'
        readonly keys: readonly string[]
        readonly step: (draft: Draft) => unknown
      }
    | { readonly kind: 'read'; readonly key: string }
    | { readonly kind: 'load'; readonly chunk: readonly (readonly [string, StoredRecord])[] }
  )

/** A unit that changes something, or may: a number in the script's eyes. */
interface Ran {
  readonly unit: Unit
  readonly changes: readonly (readonly [key: string, stored: StoredRecord | null])[]
  readonly result: unknown
  readonly threw: boolean
}

interface Read {
  readonly unit: Unit
  readonly key: string
  readonly known: StoredRecord | undefined
}

/** One partition's share of the group. */
class Part {
  readonly partition: number
  readonly places = new Map<string, number>()
  readonly names: string[] = []
  readonly expected: string[] = []
  /** What was expected, of those that there are. */
  readonly seen: (StoredRecord | undefined)[] = []
  readonly changes: string[] = []
  readonly ran: Ran[] = []
  readonly reads: Read[] = []
  steps = ''

  constructor(partition: number) {
    this.partition = partition
  }

  placeOf(name: string): number {
    const found = this.places.get(name)
    if (found !== undefined) return found
    this.places.set(name, this.names.push(name))
    this.expected.push(NOT_READ)
    this.seen.push(undefined)
    return this.names.length
  }
}

/** No record's text, and no JSON. */
const NOT_READ = '?'

export const recordsKey = (partition: number) => `till:{${partition}}:records`
export const indexKey = (partition: number) => `till:{${partition}}:index`
export const fenceKey = (partition: number) => `till:{${partition}}:fence`

/** What became of a partition's share. */
export interface Settled {
  /** To be run again, in this order. */
  readonly again: readonly Unit[]
  /** Some record's bytes are no text, so that they can never be compared. */
  readonly garbled?: string
}

export class RedisGroup {
  readonly #known: KnownRecords
  readonly #draft: GroupDraft
  readonly #parts = new Map<number, Part>()
  changes = 0
  units = 0

  constructor(known: KnownRecords, draft: GroupDraft) {
    this.#known = known
    this.#draft = draft
    draft.beginGroup()
  }

  get parts(): readonly number[] {
    return [...this.#parts.keys()]
  }

  /** The partitions in which something is to be written. */
  get written(): readonly number[] {
    return this.parts.filter((partition) => this.#parts.get(partition)!.changes.length > 0)
  }

  /** Whether some unit of it reads or writes this record. */
  names(partition: number, key: string): boolean {
    return this.#parts.get(partition)?.places.has(key) === true
  }

  add(unit: Unit): void {
    this.units++
    this.addUncounted(unit)
  }

  /** Runs it, if it is a step, over what is known; it is not among the units that are counted. */
  addUncounted(unit: Unit): void {
    let part = this.#parts.get(unit.partition)
    if (part === undefined) {
      part = new Part(unit.partition)
      this.#parts.set(unit.partition, part)
    }
    if (unit.kind === 'read') {
      this.#expect(part, unit.key)
      const known = this.#known.get(placeOf(part.partition, unit.key))
      part.reads.push({ unit, key: unit.key, known })
      return
    }
    const ran = unit.kind === 'load' ? this.#load(unit.chunk, part, unit) : this.#run(unit, part)
    part.ran.push(ran)
    part.steps += `/${ran.changes.length};`
    for (const [key, stored] of ran.changes) {
      part.changes.push(String(part.placeOf(key)), stored === null ? '' : stored.text)
    }
    this.changes += ran.changes.length
  }

  /** `fence`: a key that is written if nothing else is. */
  command(name: 'evalsha' | 'eval', script: string, fence: string | undefined): RedisCommand {
    const keys: string[] = []
    const args: string[] = []
    for (const part of this.#parts.values()) {
      keys.push(recordsKey(part.partition), indexKey(part.partition))
      args.push(String(part.names.length), String(part.changes.length / 2), part.steps)
      for (const list of [part.names, part.expected, part.changes]) {
        for (const each of list) args.push(each)
      }
    }
    if (fence !== undefined) keys.push(fence)
    return [name, [script, String(keys.length), ...keys, ...args]]
  }

  /** Tells each unit of the partition what came of it; `answer` is the script's, if not a text. */
  settle(partition: number, answer: 1 | readonly (number | string)[]): Settled {
    const part = this.#parts.get(partition)!
    const failed = new Set<number>()
    let garbled: string | undefined
    const latest = new Map<string, StoredRecord | undefined>()
    if (answer !== 1) {
      const news = 1 + (answer[0] as number)
      for (let at = 1; at < news; at++) failed.add(answer[at] as number)
      for (let at = news; at < answer.length; at += 2) {
        const place = (answer[at] as number) - 1
        const [key, text] = [part.names[place]!, answer[at + 1] as string]
        if (text === part.expected[place]) garbled = key
        latest.set(key, this.#known.learn(placeOf(partition, key), text))
      }
    }
    const again: Unit[] = []
    for (const [index, { unit, changes, result, threw }] of part.ran.entries()) {
      if (failed.has(index + 1)) {
        again.push(unit)
        continue
      }
      for (const [key, stored] of changes) {
        this.#known.set(placeOf(partition, key), stored)
        latest.set(key, stored ?? undefined)
      }
      if (threw) unit.reject(result)
      else unit.resolve(result as never)
    }
    for (const { unit, key, known } of part.reads) {
      settleRead(unit, latest.has(key) ? latest.get(key) : known)
    }
    if (again.length > 0) this.#keepFresh(part, latest)
    return { again, ...(garbled === undefined ? {} : { garbled }) }
  }

  /**
   * What a step reads must be known all at once when it runs again: what was not as known, and what
   * was, or the two would take turns for ever where the cache keeps neither.
   */
  #keepFresh(part: Part, latest: ReadonlyMap<string, StoredRecord | undefined>): void {
    for (const [index, key] of part.names.entries()) {
      const stored = latest.has(key) ? latest.get(key) : part.seen[index]
      if (stored !== undefined) this.#known.keep(placeOf(part.partition, key), stored)
    }
  }

  /**
   * What becomes of the partition's units when the server has refused its share: some go apart from
   * those because of which it was refused, some are sent again later.
   */
  refused(
    partition: number,
    refusal: Refusal,
  ): Record<'rejected' | 'apart' | 'later', readonly Unit[]> {
    const part = this.#parts.get(partition)!
    const all = [...part.ran, ...part.reads].map(({ unit }) => unit)
    if (refusal === 'elsewhere') return { rejected: [], apart: [], later: all }
    if (refusal !== 'later' && refusal !== 'full') return { rejected: all, apart: [], later: [] }
    // Deleting makes room; where it is refused without those who put, more than room is lacking.
    const puts = refusal === 'full' ? this.split(partition, 'put') : undefined
    const [writing, others] = puts?.[0].length ? puts : this.split(partition, 'write')
    const [rejected, later] = refusal === 'full' ? [writing, []] : [[], writing]
    if (writing.length === 0) return { rejected, apart: [], later: others }
    return { rejected, apart: others, later }
  }

  /** The partition's units that would write something, or put it, and the others. */
  split(
    partition: number,
    by: 'write' | 'put',
  ): [chosen: readonly Unit[], others: readonly Unit[]] {
    const part = this.#parts.get(partition)!
    const isChosen = ({ changes }: Ran) =>
      by === 'write' ? changes.length > 0 : changes.some(([, stored]) => stored !== null)
    const chosen = part.ran.filter(isChosen).map(({ unit }) => unit)
    const others = [...part.ran.filter((ran) => !isChosen(ran)), ...part.reads]
    return [chosen, others.map(({ unit }) => unit)]
  }

  #expect(part: Part, key: string): number {
    const place = part.placeOf(key)
    if (part.expected[place - 1] === NOT_READ) {
      const seen = this.#known.get(placeOf(part.partition, key))
      part.seen[place - 1] = seen
      part.expected[place - 1] = seen?.text ?? ''
    }
    return place
  }

  #load(chunk: Ran['changes'], part: Part, unit: Unit): Ran {
    for (const [key] of chunk) part.placeOf(key)
    for (const [key, stored] of chunk) {
      if (stored !== null) this.#draft.putUnread(placeOf(part.partition, key), stored)
    }
    return { unit, changes: chunk, result: undefined, threw: false }
  }

  #run(unit: Unit & { kind: 'step' }, part: Part): Ran {
    let result: unknown
    let threw = false
    try {
      result = this.#draft.run(part.partition, unit.keys, unit.step)
    } catch (error) {
      result = error
      threw = true
    }
    part.steps += this.#draft.lastReads.map((key) => this.#expect(part, key)).join(',')
    const start = placeOf(part.partition, '').length
    const changes = [...this.#draft.lastChanges()].map(
      ([place, stored]) => [place.slice(start), stored] as const,
    )
    return { unit, changes, result, threw }
  }
}

function settleRead(unit: Unit, stored: StoredRecord | undefined): void {
  try {
    unit.resolve(stored?.record as Json as never)
  } catch (error) {
    unit.reject(error)
  }
}
