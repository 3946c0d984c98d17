/**
 * One history: stock the shop, let clients and faults at it (safety), then let the faults stop and
 * see that everything ends without clients (liveness), then a quiet tail of checkouts that must all
 * succeed, then the books are checked.
 */
import { seededRandom } from '../lib/runtime/random.ts'
import { Books } from './books.ts'
import { alarms } from './checkers/alarms.ts'
import { answers } from './checkers/answers.ts'
import type { Checker, Evidence, Violation } from './checkers/checker.ts'
import { conservation } from './checkers/conservation.ts'
import { ledger } from './checkers/ledger.ts'
import { type Leftovers, leftovers } from './checkers/leftovers.ts'
import { linearizable } from './checkers/linearizable.ts'
import { oversell } from './checkers/oversell.ts'
import { type Owners, owners } from './checkers/owners.ts'
import { reads } from './checkers/reads.ts'
import { refusals } from './checkers/refusals.ts'
import { Clients } from './clients.ts'
import type { Coverage } from './coverage.ts'
import type { Director } from './director.ts'
import type { Draw, Loss } from './draw.ts'
import type { Fault, FaultKind } from './faults.ts'
import type { Operation } from './operation.ts'
import { SimShop } from './shop.ts'
import { runTail } from './tail.ts'
import type { Timeline } from './timeline.ts'
import { Workload } from './workload.ts'

export interface History {
  readonly draw: Draw
  readonly violations: readonly Violation[]
  readonly coverage: Coverage
  readonly timeline: Timeline
  readonly operations: readonly Operation[]
  readonly events: number
  /** Virtual ms that a transaction was open after the faults had ended, at most. */
  readonly drainMs: number
}

/** After this long without an end, it will not come. */
const patienceMs = 40_000
const mostViolations = 20
/** Each instance looks at its database in this time (lib/storage/loss-watch.ts). */
const lossesNoticedWithinMs = 5_000
/** What coverage counts lost steps as. */
export const lostWrites = 'storage: lost acknowledged writes'

export type Direct = (shop: SimShop) => Director

export async function runHistory(draw: Draw, isTold = false, direct?: Direct): Promise<History> {
  const run = new Run(draw, isTold, direct)
  await run.safety()
  await run.liveness()
  if (draw.hasTail && run.violations.length === 0) {
    await runTail(run.evidence, run.clients)
    await run.quiet()
  }
  return run.close()
}

class Run {
  readonly violations: Violation[] = []
  readonly evidence: Evidence
  readonly clients: Clients
  readonly #shop: SimShop
  readonly #workload: Workload
  readonly #checkers: readonly Checker[]
  readonly #leftovers: Leftovers
  readonly #owners: Owners
  #isHealed = false

  constructor(draw: Draw, isTold: boolean, direct?: Direct) {
    let onChange: (change: Parameters<Books['note']>[0]) => void = () => {}
    const shop = new SimShop(draw, (change) => onChange(change), isTold, direct)
    this.#shop = shop
    const books = new Books(shop.coverage)
    this.clients = new Clients(
      shop,
      seededRandom(draw.seed * 17 + 3),
      draw.load.clientTimeoutMs,
      (operation) => {
        for (const checker of this.#checkers) checker.onAnswer?.(operation)
      },
    )
    const { operations } = this.clients
    const report: Evidence['report'] = (invariant, text) => {
      if (this.violations.length >= mostViolations) return
      this.violations.push({ invariant, at: shop.world.now, text })
      shop.timeline.note(shop.world.now, 'CHECKER', () => `${invariant}: ${text}`)
    }
    this.evidence = { draw, shop, books, operations, healedAt: 0, report }
    this.#leftovers = leftovers(this.evidence)
    this.#owners = owners(this.evidence)
    this.#checkers = [
      this.#leftovers,
      this.#owners,
      ...[oversell, ledger, conservation, answers, reads, linearizable, refusals, alarms].map(
        (make) => make(this.evidence),
      ),
    ]
    onChange = (change) => {
      shop.timeline.note(shop.world.now, change.process, () => tellChange(change))
      books.note(change)
      for (const checker of this.#checkers) checker.onChange?.(change)
    }
    this.#workload = new Workload(shop, this.clients, seededRandom(draw.seed * 13 + 1))
  }

  async safety(): Promise<void> {
    const { draw, world, broker, director } = this.#shop
    this.#workload.stock()
    this.#shop.startAll()
    await world.run(() => broker.isSettled && world.now > 1)
    await world.runFor(20)
    for (const fault of draw.faults) {
      world.after(fault.at, () => this.#begin(fault))
    }
    for (const loss of draw.losses?.all ?? []) world.after(loss.at, () => this.#lose(loss))
    for (const { process, at } of draw.rollout?.moments ?? []) {
      world.after(at, () => this.#rollOut(process))
    }
    this.#workload.begin()
    const end = world.now + draw.safetyMs
    const isOver = () =>
      this.#workload.isDone && this.clients.waiting === 0 && director?.isDone !== false
    await world.run(() => world.now >= end || isOver())
  }

  /** Faults stop; processes run, links are whole; nobody asks for anything new. */
  async liveness(): Promise<void> {
    const { draw, world, board, broker, director } = this.#shop
    this.#isHealed = true
    director?.end()
    this.#workload.end()
    board.clear()
    this.#shop.restartAll()
    broker.retryWaiting()
    this.#shop.timeline.note(world.now, 'FAULTS', () => 'stop')
    const giveUpAt = world.now + patienceMs
    const isHealthy = () =>
      broker.isSettled && this.#shop.processes.every((process) => process.isUp)
    await this.#watch(() => isHealthy() || world.now > giveUpAt)
    if (draw.losses !== undefined) await world.runFor(lossesNoticedWithinMs)
    const healedAt = world.now
    this.evidence.healedAt = healedAt
    broker.retryWaiting()
    await this.quiet()
    if (this.clients.waiting > 0) {
      this.evidence.report('I5', `${this.clients.waiting} requests were never answered`)
    }
  }

  /** Until nothing is open, overtaken or on its way; or it never will be. */
  async quiet(): Promise<void> {
    const { world, broker } = this.#shop
    const giveUpAt = world.now + patienceMs
    const isQuiet = () =>
      this.#leftovers.isQuiet &&
      this.clients.waiting === 0 &&
      broker.inFlight === 0 &&
      this.#owners.areRight
    await this.#watch(() => isQuiet() || world.now > giveUpAt)
  }

  close(): History {
    for (const checker of this.#checkers) checker.atEnd?.()
    const { draw, coverage, timeline, world } = this.#shop
    const { healedAt, books } = this.evidence
    return {
      draw,
      violations: this.violations,
      coverage,
      timeline,
      operations: this.clients.operations,
      events: world.events,
      drainMs: books.drainMs(healedAt),
    }
  }

  #watch(isOver: () => boolean): Promise<void> {
    return this.#shop.world.run(isOver)
  }

  #lose({ service, partition, count }: Loss): void {
    const { coverage, databases } = this.#shop
    const steps = databases[service].loseLast(partition, count)
    if (steps > 0) coverage.add(lostWrites, steps)
  }

  #rollOut(process: string): void {
    const { draw, timeline, world } = this.#shop
    const { rollout } = draw
    if (this.#isHealed || rollout === undefined) return
    timeline.note(world.now, 'ROLLOUT', () => `${process} becomes ${rollout.to}`)
    this.#shop.reconfigure(process, rollout.config)
  }

  #begin(fault: Fault): void {
    if (this.#isHealed) return
    const { board, coverage, timeline, world, broker } = this.#shop
    const { kind, target, forMs } = fault
    coverage.add(`fault: ${kind}`)
    timeline.note(world.now, 'FAULT', () => `${kind} of ${target} for ${forMs} ms`)
    const process = this.#shop.processes.find(({ name }) => name === target)
    const begin: Partial<Record<FaultKind, () => void>> = {
      crash: () => this.#shop.crash(target, forMs),
      stop: () => this.#shop.stop(target, forMs),
      pause: () => this.#shop.pause(target, forMs),
      'power-cut': () => {
        for (const { name } of this.#shop.processes) this.#shop.crash(name, forMs)
      },
      'crash-before-write': () => process?.arm(fault),
      'crash-after-write': () => process?.arm(fault),
      'crash-after-send': () => process?.arm(fault),
      'wall-clock-jump': () => {
        if (process !== undefined) process.wallErrorMs += (fault.rate - 0.3) * 120_000
      },
      rebalance: () => this.#rebalance(fault),
    }
    const own = begin[kind]
    if (own !== undefined) {
      own()
      return
    }
    board.begin(fault)
    world.after(forMs, () => {
      board.end(fault)
      broker.retryWaiting()
    })
  }

  /** Some are taken back before everybody has heard of them. */
  #rebalance({ forMs, rate }: Fault): void {
    const { broker, world } = this.#shop
    broker.shuffle(forMs, 1)
    if (rate < leastTakenBack) return
    world.after(forMs * rate, () => {
      if (!this.#isHealed) broker.shuffle(forMs, -1)
    })
  }
}

/** Rate of a rebalance from which on it is taken back. */
const leastTakenBack = 0.25

function tellChange({ service, partition, isLoad, writes }: Parameters<Books['note']>[0]): string {
  const told = writes.map(({ key, after }) => `${key} = ${JSON.stringify(after)}`).join('; ')
  return `writes ${service}/${partition}${isLoad ? ' (load)' : ''}: ${told}`
}
