/** The limits of a watcher: how long each kind of process is given. Next: verdict.ts. */
import type { Config } from '../lib/runtime/config.ts'
import type { Limits } from './verdict.ts'

/** A broker reads its log and elects; a database loads; the others only read their code. */
const graceMs = {
  service: 20_000,
  database: 20_000,
  broker: 60_000,
  gateway: 10_000,
  watchdog: 10_000,
  link: 10_000,
} as const

/** For as long as it says so itself: a Redis of many gigabytes loads for minutes. */
const startingMs = {
  service: 120_000,
  database: 600_000,
  broker: 300_000,
  gateway: 60_000,
  watchdog: 60_000,
  link: 60_000,
} as const

export const limitsOf = ({ watchdogSilentMs }: Pick<Config, 'watchdogSilentMs'>): Limits => ({
  silentMs: watchdogSilentMs,
  graceMs,
  startingMs,
})
