/**
 * A simulated process: one instance of a service. A crash ends its life: its timers, what it was
 * about to send and the promises that it waits for are gone and never come back. A restart is a new
 * life over what its database has kept.
 */
import type { Clock, Timer } from '../lib/runtime/clock.ts'
import type { Coverage } from './coverage.ts'
import type { Director } from './director.ts'
import type { Fault } from './faults.ts'
import type { Timeline } from './timeline.ts'
import type { Life, World } from './world.ts'

export type StepKind = 'crash-before-write' | 'crash-after-write' | 'crash-after-send'

export class SimProcess {
  readonly name: string
  readonly service: string
  /** Among all processes; where its inbox is. */
  readonly index: number
  life: Life = { isAlive: false, pausedUntil: 0 }
  /** Ms that its wall clock is wrong. */
  wallErrorMs = 0
  /** Called when it crashes by itself, at a step. */
  onCrash: () => void = () => {}
  readonly #world: World
  readonly #armed: { readonly fault: Fault; left: number }[] = []

  constructor(world: World, service: string, number: number, index: number) {
    this.#world = world
    this.service = service
    this.index = index
    this.name = `${service}-${number}`
  }

  begin(): Life {
    this.life = { isAlive: true, pausedUntil: 0 }
    return this.life
  }

  end(): void {
    this.life.isAlive = false
  }

  pause(ms: number): void {
    this.life.pausedUntil = this.#world.now + ms
  }

  get isPaused(): boolean {
    return this.life.isAlive && this.life.pausedUntil > this.#world.now
  }

  get isUp(): boolean {
    return this.life.isAlive && this.life.pausedUntil <= this.#world.now
  }

  /** It will crash at a step. */
  arm(fault: Fault): void {
    this.#armed.push({ fault, left: fault.nth })
  }

  disarm(): void {
    this.#armed.length = 0
  }

  /** A step of this process; true if it crashed at it. */
  reaches(kind: StepKind, life: Life): boolean {
    if (this.#armed.length === 0 || !life.isAlive) return false
    for (const [index, armed] of this.#armed.entries()) {
      if (armed.fault.kind !== kind || --armed.left > 0) continue
      this.#armed.splice(index, 1)
      this.onCrash()
      return true
    }
    return false
  }
}

/** Its time: the world's, with an origin of its own; its timers end with its life. */
export function simClock(world: World, process: SimProcess, life: Life): Clock {
  const origin = world.now - 1_000
  const timer = (cancel: () => void): Timer => ({ cancel })
  return {
    now: () => world.now - origin,
    wallTime: () => 1_700_000_000_000 + world.now + process.wallErrorMs,
    after: (ms, run) => {
      const event = world.after(ms, run, life)
      return timer(() => event.cancel())
    },
    every: (ms, run) => {
      const event = world.every(ms, run, life)
      return timer(() => event.cancel())
    },
    sleep: (ms) =>
      new Promise((resolve) => {
        world.after(
          ms,
          () => {
            world.isStirred = true
            resolve()
          },
          life,
        )
      }),
  }
}

/** What the ports share: who uses them, where it is told, and who may let a step go wrong. */
export interface Scene {
  readonly world: World
  readonly timeline: Timeline
  readonly coverage: Coverage
  readonly director: Director | undefined
}
