/**
 * What a service is made of and what it offers. Wiring only: processes (main.ts), the embedded
 * shop, tests and the simulator give the same services other ports.
 */
import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../runtime/clock.ts'
import type { Config } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import type { Metric } from '../runtime/metric.ts'
import type { Random } from '../runtime/random.ts'
import type { Route } from '../runtime/route.ts'
import type { Spans } from '../runtime/spans.ts'
import type { Storage } from '../storage/storage.ts'

export interface ServicePorts {
  readonly config: Config
  readonly storage: Storage
  readonly bus: Bus
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  /** Absent where nothing is traced. */
  readonly spans?: Spans
}

export interface Service {
  readonly name: 'order' | 'payment' | 'stock' | 'orchestrator'
  /** Public and internal; each says which it is. */
  readonly routes: readonly Route[]
  readonly metrics: readonly Metric[]
  /** Begins to consume; resolves when recovery has begun. Routes may be called from then on. */
  start(): Promise<void>
  /** Stops consuming; what is open stays in the log. */
  stop(): Promise<void>
}
