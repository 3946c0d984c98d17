/**
 * A participant at work: each command becomes one atomic storage step, then its reply is sent.
 *
 * Promise: effect, branch record and answer are one durable step, so a command may be lost,
 * repeated or reordered, and the process killed anywhere, without doing anything twice or half.
 * Branch records are dropped below the coordinator's low-water mark only, never by age; the mark
 * itself is part of each step, so that a former owner with an old mark cannot let an ended
 * transaction in again. A branch that stays undecided is asked about. The rule itself:
 * protocol/participant.ts.
 */
import {
  type Command,
  coordinatorTopic,
  type Message,
  type Reply,
  type ServiceName,
} from '../../protocol/messages.ts'
import { type BranchRecord, type Domain, obey } from '../../protocol/participant.ts'
import { isSoundBranch } from '../../protocol/soundness.ts'
import {
  coordinatorOf,
  isPosition,
  parseTransactionId,
  positionOf,
} from '../../protocol/transaction-id.ts'
import type { Bus, Consumer } from '../bus/bus.ts'
import type { Clock, Timer } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import { partitionOf } from '../runtime/partition.ts'
import type { Draft, Json, Storage } from '../storage/storage.ts'
import { branchKey, markKey } from './keys.ts'
import { KnownBranches } from './known-branches.ts'

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

export interface ParticipantCounters {
  commands: number
  refusals: number
  busy: number
  parked: number
  /** Commits that met no prepare: this storage has lost acknowledged writes. */
  recovered: number
  inquiries: number
  /** Commands that no coordinator of this shop sends; nothing was done. */
  unsound: number
}

export class Participant<R extends Json> implements Consumer {
  readonly counters: ParticipantCounters = {
    commands: 0,
    refusals: 0,
    busy: 0,
    parked: 0,
    recovered: 0,
    inquiries: 0,
    unsound: 0,
  }
  readonly #options: ParticipantOptions<R>
  readonly #partitions = new Map<number, KnownBranches>()
  readonly #timer: Timer
  #isTidying = false

  constructor(options: ParticipantOptions<R>) {
    this.#options = options
    this.#timer = options.clock.every(options.config.sweepMs, () => void this.#tick())
  }

  /** Finds the branches that this partition had when it was last let go. */
  async assigned(partition: number): Promise<void> {
    const known = new KnownBranches(this.#options, partition)
    this.#partitions.set(partition, known)
    await known.learn()
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

  /** Branch records of the partitions that are held here. */
  get remembered(): number {
    return [...this.#partitions.values()].reduce((sum, { size }) => sum + size, 0)
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
    const { service, storage, recordKey, domain, bus, log } = this.#options
    if (id === undefined || !this.#isSound(partition, id.partition, command)) {
      this.counters.unsound++
      return
    }
    this.counters.commands++
    const key = branchKey(id)
    const coordinator = coordinatorOf(id)
    const mark = markKey(coordinator)
    const position = positionOf(id.epoch, id.sequence)
    const recordKeys = command.branch.entries.map((entry) => recordKey(entry.id))
    const step = (draft: Draft) => {
      const lowest = draft.get<string>(mark)
      if (lowest !== undefined && position < lowest) return undefined
      const before = draft.get<BranchRecord>(key)
      // It says itself that it has ended: it can only meet what is here already.
      if (before === undefined && position < command.mark) return undefined
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
    const known = this.#partitions.get(partition)
    known?.hear(coordinator, key, position, command.mark)
    if (obeyed === undefined) return
    this.#count(obeyed.answer, obeyed.recovered === true)
    if (obeyed.answer === 'parked' || obeyed.recovered) {
      const { transaction } = command
      log.error('a command contradicts this participant', {
        ...{ transaction, command, answer: obeyed.answer },
      })
    }
    if (obeyed.branch !== undefined) {
      known?.note(coordinator, key, { ...obeyed.branch, transaction: command.transaction })
    }
    const reply: Reply = {
      kind: 'reply',
      verb: command.verb,
      transaction: command.transaction,
      service,
      partition,
      answer: obeyed.answer,
      ...(obeyed.reason === undefined ? {} : { reason: obeyed.reason }),
      ...(command.sent === undefined ? {} : { sent: command.sent }),
    }
    bus.send(coordinatorTopic(id.home), id.partition, reply)
  }

  /** What cannot have come from a coordinator of this shop. */
  #isSound(partition: number, coordinator: number, { branch, mark }: Command): boolean {
    const { service, storage } = this.#options
    return (
      branch.service === service &&
      branch.partition === partition &&
      coordinator < storage.partitions &&
      isPosition(mark) &&
      isSoundBranch(branch, (id) => partitionOf(id, storage.partitions))
    )
  }

  #count(answer: Reply['answer'], recovered: boolean): void {
    if (answer === 'refused') this.counters.refusals++
    if (answer === 'busy') this.counters.busy++
    if (answer === 'parked') this.counters.parked++
    if (recovered) this.counters.recovered++
  }

  async #tick(): Promise<void> {
    if (this.#isTidying) return
    this.#isTidying = true
    for (const [partition, known] of [...this.#partitions]) {
      try {
        this.counters.inquiries += await known.tidy()
      } catch (error) {
        // Others may lie in a database that is well.
        this.#options.log.warn('sweep put off', { partition, error: String(error) })
      }
    }
    this.#isTidying = false
  }
}
