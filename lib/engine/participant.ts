/**
 * A participant at work: each command becomes one atomic storage step, then its reply is sent.
 *
 * Promise: effect, branch record and answer are one durable step, so a command may be lost, repeated
 * or reordered, and the process killed anywhere, without doing anything twice or half. Branch records
 * are dropped below the coordinator's low-water mark only, never by age; the mark itself is part of
 * each step, so that a former owner with an old mark cannot let an ended transaction in again.
 * A branch that stays undecided is asked about. The rule itself: protocol/participant.ts.
 */
import {
  type Branch,
  type Command,
  coordinatorTopic,
  type Message,
  type Reply,
  type ServiceName,
} from '../../protocol/messages.ts'
import { type BranchRecord, type Domain, obey } from '../../protocol/participant.ts'
import { coordinatorOf, parseTransactionId, positionOf } from '../../protocol/transaction-id.ts'
import type { Bus, Consumer } from '../bus/bus.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Draft, Json, Storage } from '../storage/storage.ts'
import { branchKey, branchPrefix, markKey } from './keys.ts'

export interface ParticipantOptions<R extends Json> {
  readonly service: ServiceName
  readonly domain: Domain<R>
  /** The storage key of an entry's record. */
  readonly recordKey: (id: string) => string
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly config: Pick<Config, 'inquireAfterMs' | 'sweepMs' | 'audit'>
  readonly log: Log
}

type StoredBranch = BranchRecord & { readonly transaction: string }

/** A branch that is held or executed, until its transaction is known to have ended. */
interface Undecided {
  readonly transaction: string
  readonly branch: Branch
  /** Prepared: it holds something. Otherwise executed, which is final once the mark has passed. */
  readonly isHeld: boolean
  askAgainAt: number
}

interface PartitionState {
  /** By branch key. */
  readonly undecided: Map<string, Undecided>
  /** By coordinator: the newest mark heard, and the one that records were dropped up to. */
  readonly marks: Map<string, { heard: string; swept: string }>
}

export interface ParticipantCounters {
  commands: number
  refusals: number
  busy: number
  parked: number
  /** Commits that met no prepare: this storage has lost acknowledged writes. */
  recovered: number
  inquiries: number
}

/** Records of one scan, and dropped by one step of a sweep. */
const scanPage = 1_000

export class Participant<R extends Json> implements Consumer {
  readonly counters: ParticipantCounters = {
    commands: 0,
    refusals: 0,
    busy: 0,
    parked: 0,
    recovered: 0,
    inquiries: 0,
  }
  readonly #options: ParticipantOptions<R>
  readonly #partitions = new Map<number, PartitionState>()
  readonly #timer: Timer
  #isSweeping = false

  constructor(options: ParticipantOptions<R>) {
    this.#options = options
    this.#timer = options.clock.every(options.config.sweepMs, () => void this.#tick())
  }

  /** Finds the branches that were undecided when this partition was last let go. */
  async assigned(partition: number): Promise<void> {
    const state: PartitionState = { undecided: new Map(), marks: new Map() }
    this.#partitions.set(partition, state)
    for (let after: string | undefined; ; ) {
      const page = await scanAfter(this.#options.storage, partition, branchPrefix, after)
      for (const { key, record } of page) {
        this.#track(partition, state, key, record as StoredBranch)
      }
      if (page.length < scanPage) return
      after = page.at(-1)?.key
    }
  }

  revoked(partition: number): void {
    this.#partitions.delete(partition)
  }

  async receive(partition: number, messages: readonly Message[]): Promise<void> {
    await Promise.all(
      messages.map((message) =>
        message.kind === 'command' ? this.#obey(partition, message) : null,
      ),
    )
  }

  close(): void {
    this.#timer.cancel()
  }

  /** What this participant remembers of a transaction, for people. */
  async branchesOf(
    transaction: string,
  ): Promise<readonly (BranchRecord & { partition: number })[]> {
    const id = parseTransactionId(transaction)
    if (id === undefined) return []
    const key = branchKey(id)
    const { storage } = this.#options
    const found = await Promise.all(
      Array.from({ length: storage.partitions }, async (_, partition) => {
        const record = await storage.read<BranchRecord>(partition, key)
        return record === undefined ? [] : [{ ...record, partition }]
      }),
    )
    return found.flat()
  }

  async #obey(partition: number, command: Command): Promise<void> {
    const id = parseTransactionId(command.transaction)
    if (id === undefined) return
    const { service, storage, recordKey, domain, bus, log } = this.#options
    this.counters.commands++
    const key = branchKey(id)
    const coordinator = coordinatorOf(id)
    const mark = markKey(coordinator)
    const recordKeys = command.branch.entries.map((entry) => recordKey(entry.id))
    const step = (draft: Draft) => {
      const lowest = draft.get<string>(mark)
      if (lowest !== undefined && positionOf(id.epoch, id.sequence) < lowest) return undefined
      const before = draft.get<BranchRecord>(key)
      const records = recordKeys.map((each) => draft.get<R>(each))
      const obeyed = obey(command, before, records, domain)
      if (obeyed.branch !== undefined) {
        draft.put(key, { transaction: command.transaction, ...obeyed.branch })
      }
      obeyed.records?.forEach((record, index) => {
        if (record !== undefined) draft.put(recordKeys[index]!, record)
      })
      return obeyed
    }
    const obeyed = await storage.transact(partition, [key, mark, ...recordKeys], step)
    this.#hear(partition, coordinator, command.mark)
    if (obeyed === undefined) return
    this.#count(obeyed.answer, obeyed.recovered === true)
    if (obeyed.answer === 'parked' || obeyed.recovered) {
      log.error('a command contradicts this participant', { command, answer: obeyed.answer })
    }
    const state = this.#partitions.get(partition)
    if (state !== undefined && obeyed.branch !== undefined) {
      this.#track(partition, state, key, {
        ...obeyed.branch,
        transaction: command.transaction,
      })
    }
    const reply: Reply = {
      kind: 'reply',
      verb: command.verb,
      transaction: command.transaction,
      service,
      partition,
      answer: obeyed.answer,
      ...(obeyed.reason === undefined ? {} : { reason: obeyed.reason }),
    }
    bus.send(coordinatorTopic(id.home), id.partition, reply)
  }

  #count(answer: Reply['answer'], recovered: boolean): void {
    if (answer === 'refused') this.counters.refusals++
    if (answer === 'busy') this.counters.busy++
    if (answer === 'parked') this.counters.parked++
    if (recovered) this.counters.recovered++
  }

  #track(partition: number, state: PartitionState, key: string, record: StoredBranch): void {
    if (record.state !== 'prepared' && record.state !== 'executed') {
      state.undecided.delete(key)
      return
    }
    const { clock, config, service } = this.#options
    state.undecided.set(key, {
      transaction: record.transaction,
      branch: { service, partition, entries: record.entries },
      isHeld: record.state === 'prepared',
      askAgainAt: clock.now() + config.inquireAfterMs,
    })
  }

  #hear(partition: number, coordinator: string, mark: string): void {
    const marks = this.#partitions.get(partition)?.marks
    if (marks === undefined) return
    const known = marks.get(coordinator)
    if (known === undefined) marks.set(coordinator, { heard: mark, swept: '' })
    else if (known.heard < mark) known.heard = mark
  }

  async #tick(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    try {
      for (const [partition, state] of this.#partitions) {
        await this.#inquire(partition, state)
        for (const [coordinator, mark] of state.marks) {
          if (mark.swept < mark.heard) await this.#sweep(partition, state, coordinator, mark)
        }
      }
    } catch (error) {
      this.#options.log.warn('sweep put off', { error: String(error) })
    } finally {
      this.#isSweeping = false
    }
  }

  /**
   * Asks about branches that have been undecided for long, each as it is stored: another instance that
   * held this partition for a while may have ended it.
   */
  async #inquire(partition: number, state: PartitionState): Promise<void> {
    const { clock, storage, bus } = this.#options
    const now = clock.now()
    for (const [key, { askAgainAt }] of state.undecided) {
      if (askAgainAt > now) continue
      const record = await storage.read<StoredBranch>(partition, key)
      if (record === undefined) state.undecided.delete(key)
      else this.#track(partition, state, key, record)
      const undecided = state.undecided.get(key)
      const id = undecided && parseTransactionId(undecided.transaction)
      if (undecided === undefined || id === undefined) continue
      this.counters.inquiries++
      bus.send(coordinatorTopic(id.home), id.partition, {
        kind: 'inquiry',
        transaction: undecided.transaction,
        branch: undecided.branch,
        undo: undecided.isHeld ? 'abort' : 'compensate',
      })
    }
  }

  /** Writes the mark, then drops what lies below it; what is held or parked is never dropped. */
  async #sweep(
    partition: number,
    state: PartitionState,
    coordinator: string,
    mark: { heard: string; swept: string },
  ): Promise<void> {
    const { storage, config } = this.#options
    const heard = mark.heard
    const prefix = `${branchPrefix}${coordinator}:`
    const end = prefix + heard
    for (let after: string | undefined, isLast = config.audit; ; ) {
      const page = isLast ? [] : await scanAfter(storage, partition, prefix, after)
      const ended = page.filter(({ key, record }) => key < end && isDroppable(record))
      const keys = ended.map(({ key }) => key)
      await storage.transact(partition, [markKey(coordinator), ...keys], (draft) => {
        const lowest = draft.get<string>(markKey(coordinator)) ?? ''
        if (lowest < heard) draft.put(markKey(coordinator), heard)
        for (const key of keys) draft.delete(key)
      })
      after = page.at(-1)?.key
      isLast ||= page.length < scanPage || after === undefined || after >= end
      if (isLast) break
    }
    mark.swept = heard
    for (const [key, { isHeld }] of state.undecided) {
      if (!isHeld && key.startsWith(prefix) && key < end) state.undecided.delete(key)
    }
  }
}

function isDroppable(record: Json): boolean {
  const { state, parked } = record as BranchRecord
  return state !== 'prepared' && parked === undefined
}

const scanAfter = (storage: Storage, partition: number, prefix: string, after?: string) =>
  storage.scan(partition, prefix, {
    ...(after === undefined ? {} : { after }),
    limit: scanPage,
  })
