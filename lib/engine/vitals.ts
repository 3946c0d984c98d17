/**
 * What a process tells of itself on its internal port, from its first moment to its last: /live,
 * /ready and /metrics. Parts are added as they open; the embedded shop and each service process
 * tell the same.
 */
import type { Bus } from '../bus/bus.ts'
import { healthRoutes, type Part, usable } from '../runtime/health.ts'
import { labelled, type Metric } from '../runtime/metric.ts'
import { metricsRoute } from '../runtime/metrics.ts'
import type { Route } from '../runtime/route.ts'
import type { Spans } from '../runtime/spans.ts'
import type { Storage } from '../storage/storage.ts'
import type { Service } from './service.ts'

export class Vitals {
  readonly routes: readonly Route[]
  readonly #parts: Part[] = []
  readonly #metrics: Metric[] = []
  #state: 'starting' | 'serving' | 'stopping' = 'starting'

  constructor() {
    const itself: Part = {
      name: 'process',
      health: () => ({ usable: this.#state === 'serving', detail: `is ${this.#state}` }),
    }
    this.routes = [
      ...healthRoutes(() => [itself, ...this.#parts]),
      metricsRoute(() => this.#metrics),
    ]
  }

  /** What has been counted so far, by all parts. */
  get metrics(): readonly Metric[] {
    return this.#metrics
  }

  addStorage(service: Service['name'], storage: Storage): void {
    const health = () => storage.health?.() ?? usable
    this.#parts.push({ name: `database of ${service}`, health })
    this.#metrics.push(...labelled(storage.metrics ?? [], { service }))
  }

  addBus(bus: Bus): void {
    this.#parts.push({ name: 'bus', health: () => bus.health?.() ?? usable })
    this.#metrics.push(...(bus.metrics ?? []))
  }

  addSpans(spans: Spans): void {
    this.#metrics.push(...spans.metrics)
  }

  addService({ name, metrics }: Service): void {
    this.#metrics.push(...labelled(metrics, { service: name }))
  }

  /** Recovery has begun and the public routes are served. */
  serving(): void {
    this.#state = 'serving'
  }

  /** Nothing new should come here any more. */
  stopping(): void {
    this.#state = 'stopping'
  }
}
