/**
 * When a process is restarted: a pure function over what was seen of it, one look at a time.
 *
 * ended                 at once; after several failures in a row with a pause that doubles
 * well before, unwell   after `silentMs` without a good answer, and several probes, so that a
 *                       watcher that was away does not mistake its own absence for silence
 * not well yet          after a grace that depends on its kind, and doubles with each failure, so
 *                       that one that needs long to start gets there in the end
 * well, or refused      never
 *
 * Promise (verdict.test.ts): never faster than the back-off, never what is healthy, always in the
 * end. Times are those of one clock; nothing here waits or acts: watchdog.ts does.
 */
import type { Health } from './probe.ts'
import type { ProcessKind } from './process-spec.ts'

export interface Limits {
  /** Of bad answers after which a process that was well is restarted. */
  readonly silentMs: number
  /** From its start until a process must have been well once. */
  readonly graceMs: Readonly<Record<ProcessKind, number>>
  /** How long it may say that it is starting. */
  readonly startingMs: Readonly<Record<ProcessKind, number>>
}

/** Bad probes in a row before a process counts as silent, however long ago the first was. */
export const fewestProbes = 3
/** Pause before the second restart in a row; doubled for each further one. */
export const pauseFirstMs = 250
export const pauseMaxMs = 30_000
/** The pause is at most this much longer, by chance, so that watchers do not act in step. */
export const jitter = 0.25
/** A process that has been well for this long has no failures behind it. */
export const calmMs = 10_000
export const longestGraceMs = 600_000

/** What a watcher remembers of one process. */
export interface Watch {
  /** Tells one run of the process from the next. */
  readonly identity: string
  readonly seenAt: number
  readonly wellSince: number | undefined
  readonly wasWell: boolean
  readonly startingSince: number | undefined
  readonly unwellSince: number | undefined
  readonly unwellProbes: number
  /** Restarts in a row, by anyone, without calm between them. */
  readonly failures: number
  readonly notBefore: number
  /** Whether this run's end was counted among the failures. */
  readonly isCounted: boolean
}

export interface Sight {
  readonly kind: ProcessKind
  readonly identity: string
  readonly isAlive: boolean
  /** What a probe found that was sent at `askedAt`; undefined if none has come back since. */
  readonly probe: { readonly health: Health; readonly askedAt: number } | undefined
}

export type Cause = 'ended' | 'silent' | 'never_well'

export interface Judged {
  readonly watch: Watch
  /** Restart it, because of this; undefined: leave it. */
  readonly cause: Cause | undefined
}

/** `chance` is uniform in [0, 1). */
export function judge(
  before: Watch | undefined,
  sight: Sight,
  now: number,
  limits: Limits,
  chance: number,
): Judged {
  const seen = recognise(before, sight, now, chance)
  const watch = sight.isAlive && sight.probe !== undefined ? probed(seen, sight.probe, now) : seen
  const cause = causeIn(watch, sight, now, limits)
  if (cause === undefined || now < watch.notBefore) return { watch, cause: undefined }
  return { watch: failed(watch, now, chance), cause }
}

/** Pause before the next restart, after this many in a row. */
export const pauseAfter = (failures: number): number =>
  failures === 0 ? 0 : Math.min(pauseFirstMs * 2 ** (failures - 1), pauseMaxMs)

function failed(watch: Watch, now: number, chance: number): Watch {
  const failures = watch.failures + 1
  const notBefore = now + pauseAfter(failures) * (1 + jitter * chance)
  // What led to this verdict is over; if nothing came of it, the next needs grounds of its own.
  return { ...watch, failures, notBefore, isCounted: true, unwellSince: undefined, unwellProbes: 0 }
}

/** A run that was not there before: of a new process, or restarted, by this watcher or another. */
function recognise(before: Watch | undefined, sight: Sight, now: number, chance: number): Watch {
  if (before?.identity === sight.identity) return before
  const counted = before === undefined || before.isCounted ? before : failed(before, now, chance)
  return {
    identity: sight.identity,
    seenAt: now,
    wellSince: undefined,
    wasWell: false,
    startingSince: undefined,
    unwellSince: undefined,
    unwellProbes: 0,
    failures: counted?.failures ?? 0,
    notBefore: counted?.notBefore ?? now,
    isCounted: false,
  }
}

function probed(watch: Watch, probe: NonNullable<Sight['probe']>, now: number): Watch {
  const answered = { ...watch, unwellSince: undefined, unwellProbes: 0 }
  switch (probe.health) {
    case 'well': {
      const wellSince = watch.wellSince ?? now
      const failures = now - wellSince >= calmMs ? 0 : watch.failures
      return { ...answered, wellSince, wasWell: true, startingSince: undefined, failures }
    }
    case 'refused':
      return { ...answered, wellSince: undefined, wasWell: true, startingSince: undefined }
    case 'starting':
      return { ...answered, wellSince: undefined, startingSince: watch.startingSince ?? now }
    case 'unwell':
      return {
        ...watch,
        wellSince: undefined,
        unwellSince: watch.unwellSince ?? probe.askedAt,
        unwellProbes: watch.unwellProbes + 1,
      }
  }
}

function causeIn(watch: Watch, sight: Sight, now: number, limits: Limits): Cause | undefined {
  if (!sight.isAlive) return 'ended'
  // A watcher that was away judges by an answer of now, not by its memory.
  if (sight.probe === undefined) return undefined
  const patience = (ms: number) => Math.min(ms * 2 ** watch.failures, longestGraceMs)
  const { startingSince, unwellSince, unwellProbes } = watch
  if (unwellSince !== undefined) {
    if (unwellProbes < fewestProbes) return undefined
    if (watch.wasWell) return now - unwellSince >= limits.silentMs ? 'silent' : undefined
    return now - watch.seenAt >= patience(limits.graceMs[sight.kind]) ? 'never_well' : undefined
  }
  if (startingSince === undefined) return undefined
  return now - startingSince >= patience(limits.startingMs[sight.kind]) ? 'never_well' : undefined
}
