/**
 * A disk whose writes go to a journal first and reach the database under it later, many at once:
 * one sequential write makes a group durable, and a record that changes ten times is carried over
 * once. It costs memory for what is not carried over yet, bounded by the journal's size: kept as
 * text, which is a third of the record. What was written last is kept as records, too.
 *
 * Promise: the same as any Disk. After a crash, opening reads the journal back into the database,
 * so everything acknowledged is there. Carrying over is idempotent: it may be cut off anywhere.
 */
import { systemClock } from '../runtime/clock.ts'
import { ShopError } from '../runtime/errors.ts'
import type { Disk } from './group-commit.ts'
import type { Journal } from './journal.ts'
import { RecordCache } from './record-cache.ts'
import type { Changes, StoredRecord } from './step.ts'
import type { Json, StoredEntry } from './storage.ts'

/** Where the database remembers the first journal frame that it may lack. */
const firstFramePlace = 'journal'
/** Changes carried over by one write of the database. */
const carriedAtOnce = 500
/** After each of these writes, unless somebody waits for the last of them: steps come first. */
const restMs = 5

/**
 * Records of one of the cache's two generations: those of checkouts under way and of what many want
 * at once. Few enough that most are forgotten before V8 moves them to the old space, where garbage
 * waits for a collection of the whole heap.
 */
const cachedRecords = 512
const longestCachedCharacters = 1_024

export interface JournaledDiskOptions {
  /**
   * Throws where the database might not take all that a journal can hold: a group is refused rather
   * than acknowledged and then not carried over.
   */
  readonly requireRoom?: () => void
  /** Told when carrying over has failed in a way that no later try mends. */
  readonly onFailure?: ((error: ShopError) => void) | undefined
}

/** A full disk may pass; of anything else nobody knows what was done. */
const mayPass = (failure: unknown) =>
  failure instanceof ShopError && failure.code === 'storage_full'

/** JSON by place; `null` is deleted. */
type Overlay = Map<string, string | null>

export class JournaledDisk implements Disk {
  readonly #base: Disk
  readonly #journal: Journal
  readonly #options: JournaledDiskOptions
  readonly #cache = new RecordCache<Json>({
    records: cachedRecords,
    longest: longestCachedCharacters,
  })
  /** What the journal file in turn holds. */
  #current: Overlay = new Map()
  /** What the other file holds, while it is carried over. */
  #carried: Overlay = new Map()
  /** The first frame after those of `#carried`. */
  #carriedUpTo = 0
  #carrying: Promise<void> | undefined
  /** Nothing goes on before all is carried over. */
  #isAwaited = false
  /** Why a write failed last; a full disk may pass, anything else ends this disk. */
  #failure: unknown

  private constructor(base: Disk, journal: Journal, options: JournaledDiskOptions) {
    this.#base = base
    this.#journal = journal
    this.#options = options
  }

  /**
   * Reads the journal back; what the database lacks is carried over while the disk is in use
   * already. Throws an Error where the journal is damaged.
   */
  static async open(
    base: Disk,
    journal: Journal,
    options: JournaledDiskOptions = {},
  ): Promise<JournaledDisk> {
    const disk = new JournaledDisk(base, journal, options)
    const first = (base.read(firstFramePlace) as number | undefined) ?? 0
    const { frames, isFull } = journal.replay(first)
    for (const { changes } of frames) {
      for (const [place, text] of changes) disk.#carried.set(place, text)
    }
    if (frames.length === 0) return disk
    disk.#carryInBackground()
    // Killed again while it came back: nothing may be written over yet.
    if (isFull) await disk.#allCarried()
    if (isFull && disk.#failure !== undefined) throw disk.#failure
    return disk
  }

  encode(record: Json): StoredRecord {
    return this.#base.encode(record)
  }

  read(place: string): Json | undefined {
    const cached = this.#cache.get(place)
    if (cached !== undefined) return cached
    let text = this.#current.get(place)
    if (text === undefined) text = this.#carried.get(place)
    if (text === null) return undefined
    if (text === undefined) return this.#base.read(place)
    return JSON.parse(text)
  }

  scan(prefix: string, after: string | undefined, limit: number): StoredEntry[] {
    const changes: Overlay = new Map()
    for (const overlay of [this.#carried, this.#current]) {
      for (const [place, change] of overlay) {
        if (place.startsWith(prefix) && (after === undefined || place > after)) {
          changes.set(place, change)
        }
      }
    }
    if (changes.size === 0) return this.#base.scan(prefix, after, limit)
    // Enough that `limit` are left even if every change hides one of them.
    const found = this.#base
      .scan(prefix, after, limit + changes.size)
      .filter(({ key }) => !changes.has(key))
    for (const [key, change] of changes) {
      if (change !== null) found.push({ key, record: JSON.parse(change) })
    }
    return found.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, limit)
  }

  async write(changes: Changes): Promise<void> {
    if (this.#failure !== undefined && !mayPass(this.#failure)) throw this.#failure
    this.#options.requireRoom?.()
    try {
      await this.#write(changes)
    } catch (error) {
      // Neither journal nor database is written again, not even by `close`: a restart reads both.
      if (!mayPass(error)) this.#failure = error
      throw error
    }
  }

  async #write(changes: Changes): Promise<void> {
    const frame = this.#journal.frame(changes)
    if (frame === undefined) return this.#writeThrough(changes)
    if (!this.#journal.fits(frame)) await this.#turn()
    await this.#journal.append(frame)
    for (const [place, change] of changes) {
      this.#current.set(place, change === null ? null : change.text)
      this.#remember(place, change)
    }
  }

  #remember(place: string, change: StoredRecord | null): void {
    if (change === null) this.#cache.delete(place)
    else this.#cache.set(place, change.record, change.text.length)
  }

  /** Where carrying over fails, the journal keeps what the database lacks. */
  async close(): Promise<void> {
    try {
      await this.#allCarried()
      if (this.#failure === undefined) await this.#turn()
      await this.#allCarried()
      if (this.#failure === undefined) this.#journal.erase()
    } finally {
      this.#journal.close()
      await this.#base.close()
    }
  }

  async #allCarried(): Promise<void> {
    this.#isAwaited = true
    await this.#carrying
    this.#isAwaited = false
  }

  /** Goes on in the other file, once that one has been carried over, and carries this one over. */
  async #turn(): Promise<void> {
    await this.#allCarried()
    // What is not in the database must not be written over in the journal.
    if (this.#failure !== undefined) await this.#carryAgain()
    this.#carried = this.#current
    this.#current = new Map()
    this.#journal.turn()
    this.#carryInBackground()
  }

  #carryInBackground(): void {
    this.#carriedUpTo = this.#journal.next
    this.#carrying = this.#carryOver(this.#carriedUpTo).catch((error: unknown) => {
      this.#failure = error
      if (!mayPass(error)) this.#options.onFailure?.(error as ShopError)
    })
  }

  async #carryAgain(): Promise<void> {
    if (!mayPass(this.#failure)) throw this.#failure
    await this.#carryOver(this.#carriedUpTo)
    this.#failure = undefined
  }

  /** A group that no journal file could hold is one write of the database, after all before it. */
  async #writeThrough(changes: Changes): Promise<void> {
    await this.#turn()
    await this.#allCarried()
    if (this.#failure !== undefined) throw this.#failure
    await this.#base.write(changes)
    for (const [place, change] of changes) this.#remember(place, change)
  }

  /** From its end on the database needs no frame below `next`. */
  async #carryOver(next: number): Promise<void> {
    // In the order of the keys, neighbours share pages of the tree.
    const places = [...this.#carried.keys()].sort()
    for (let from = 0; from < places.length; from += carriedAtOnce) {
      const chunk = places.slice(from, from + carriedAtOnce)
      await this.#base.write(new Map(chunk.map((place) => [place, this.#stored(place)])))
      if (!this.#isAwaited) await systemClock.sleep(restMs)
    }
    await this.#base.write(new Map([[firstFramePlace, this.#base.encode(next)]]))
    this.#carried = new Map()
  }

  #stored(place: string): StoredRecord | null {
    const text = this.#carried.get(place)!
    return text === null ? null : new TextRecord(text)
  }
}

/** A record of which only the text is left: parsed when somebody reads it. */
class TextRecord implements StoredRecord {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  get record(): Json {
    return JSON.parse(this.text)
  }
}
