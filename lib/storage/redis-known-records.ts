/**
 * What this process believes of the records in Redis: enough to run a step unasked. It may be
 * wrong, because other instances write too; the compare-and-set tells then. A record that is not
 * known is taken for absent, which most are that are named for the first time.
 */
import { RecordCache } from './record-cache.ts'
import { notOurs } from './redis-errors.ts'
import type { StoredRecord } from './step.ts'
import type { Json } from './storage.ts'

/** Of one of the cache's two generations, all servers together: about 60 MB for both at most. */
const GENERATION_RECORDS = 65_536
const GENERATION_CHARACTERS = 6_000_000
const LONGEST_CACHED_CHARACTERS = 2_048

/** Parsed when somebody looks; throws `data_unreadable` then if it is not JSON. */
class ReadRecord implements StoredRecord {
  readonly text: string
  readonly #server: string
  readonly #place: string
  #record: Json | undefined

  constructor(text: string, server: string, place: string) {
    this.text = text
    this.#server = server
    this.#place = place
  }

  get record(): Json {
    this.#record ??= this.#parse()
    return this.#record
  }

  #parse(): Json {
    let record: Json | null
    try {
      record = JSON.parse(this.text)
    } catch {
      record = null
    }
    if (record === null) throw notOurs(this.#server, this.#place)
    return record
  }
}

export class KnownRecords {
  readonly #server: string
  readonly #cache: RecordCache<StoredRecord>
  /** What steps that run again need, whatever the cache thinks of it; for the next group only. */
  #fresh = new Map<string, StoredRecord>()

  /** `servers`: how many of these the process has, which share what it may keep. */
  constructor(server: string, servers: number) {
    this.#server = server
    this.#cache = new RecordCache({
      records: Math.ceil(GENERATION_RECORDS / servers),
      longest: LONGEST_CACHED_CHARACTERS,
      characters: { most: GENERATION_CHARACTERS / servers, of: ({ text }) => text.length },
    })
  }

  get(place: string): StoredRecord | undefined {
    return this.#fresh.get(place) ?? this.#cache.get(place)
  }

  /** It is so in Redis: this process has put it there, or deleted it. */
  set(place: string, stored: StoredRecord | null): void {
    this.#fresh.delete(place)
    if (stored === null) this.#cache.delete(place)
    else this.#cache.set(place, stored, stored.text.length)
  }

  /** Redis says that it is so; '' means that there is none. */
  learn(place: string, text: string): StoredRecord | undefined {
    const stored = text === '' ? null : new ReadRecord(text, this.#server, place)
    this.set(place, stored)
    return stored ?? undefined
  }

  /** It is so in Redis, and the next group needs it. */
  keep(place: string, stored: StoredRecord): void {
    this.#fresh.set(place, stored)
  }

  /** What was kept for the last group is of no use any more. */
  forgetFresh(): void {
    if (this.#fresh.size > 0) this.#fresh = new Map()
  }
}
