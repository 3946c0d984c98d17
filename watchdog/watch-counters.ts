/** What a watcher has done, and what it sees; metrics read it. */
import { type Metric, single } from '../lib/runtime/metric.ts'
import type { Found } from './driver.ts'
import type { Health } from './probe.ts'
import type { Cause } from './verdict.ts'

interface Seen {
  readonly kind: string
  isWell: boolean
}

export class WatchCounters {
  readonly #restarts = new Map<string, { labels: Record<string, string>; value: number }>()
  readonly #seen = new Map<string, Seen>()
  #failures = 0

  saw({ name, kind }: Found, health: Health): void {
    this.#seen.set(name, { kind, isWell: health === 'well' })
  }

  forget(name: string): void {
    this.#seen.delete(name)
  }

  restarted({ name, kind }: Found, cause: Cause): void {
    const key = `${name} ${cause}`
    const before = this.#restarts.get(key)?.value ?? 0
    this.#restarts.set(key, { labels: { name, kind, cause }, value: before + 1 })
  }

  failed(): void {
    this.#failures++
  }

  get metrics(): readonly Metric[] {
    return [
      {
        kind: 'counter',
        name: 'till_watchdog_restarts_total',
        help: 'Restarts by this watcher, by process and cause: ended, silent, never_well',
        read: () => [...this.#restarts.values()],
      },
      single(
        'counter',
        'till_watchdog_failed_restarts_total',
        'Restarts that this watcher tried in vain',
        () => this.#failures,
      ),
      {
        kind: 'gauge',
        name: 'till_watchdog_well',
        help: 'Whether a watched process answered well when last asked: 1 or 0',
        read: () =>
          [...this.#seen].map(([name, { kind, isWell }]) => ({
            labels: { name, kind },
            value: isWell ? 1 : 0,
          })),
      },
    ]
  }
}
