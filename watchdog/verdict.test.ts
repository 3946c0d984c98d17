/** The promise of verdict.ts, over thousands of drawn lives of a process. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { limitsOf } from './limits.ts'
import type { Health } from './probe.ts'
import { kinds, type ProcessKind } from './process-spec.ts'
import {
  type Cause,
  calmMs,
  fewestProbes,
  judge,
  longestGraceMs,
  pauseAfter,
  pauseMaxMs,
  type Sight,
  type Watch,
} from './verdict.ts'

const limits = limitsOf({ watchdogSilentMs: 3_000 })

/** What is seen at one moment; `health` of a probe that was sent `tookMs` before. */
interface Moment {
  readonly afterMs: number
  readonly isAlive: boolean
  readonly health: Health | undefined
  readonly tookMs: number
  readonly chance: number
}

interface Restart {
  readonly at: number
  readonly cause: Cause
  readonly moment: Moment
  readonly run: number
}

const moments = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.integer({ min: 1, max: 1_500 }), fc.integer({ min: 1, max: 30_000 })),
    isAlive: fc.boolean(),
    health: fc.constantFrom<Health | undefined>('well', 'starting', 'refused', 'unwell', undefined),
    tookMs: fc.integer({ min: 0, max: 1_000 }),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  }),
  { maxLength: 150, size: 'max' },
)

/** Lives through the moments; each restart begins another run. */
function live(kind: ProcessKind, seen: readonly Moment[]): Restart[] {
  const restarts: Restart[] = []
  let watch: Watch | undefined
  let now = 1_000_000
  let run = 0
  for (const moment of seen) {
    now += moment.afterMs
    const { health } = moment
    const probe = health && { health, askedAt: now - moment.tookMs }
    const sight: Sight = { kind, identity: `run ${run}`, isAlive: moment.isAlive, probe }
    const judged = judge(watch, sight, now, limits, moment.chance)
    watch = judged.watch
    if (judged.cause !== undefined)
      restarts.push({ at: now, cause: judged.cause, moment, run: run++ })
  }
  return restarts
}

const lives = (check: (kind: ProcessKind, seen: readonly Moment[]) => void) =>
  fc.assert(fc.property(fc.constantFrom(...kinds), moments, check), { numRuns: 500 })

test('what is alive is restarted only after bad probes, never right after a good answer', () => {
  lives((kind, seen) => {
    for (const { cause, moment } of live(kind, seen)) {
      if (cause === 'ended') assert.equal(moment.isAlive, false)
      else {
        assert.equal(moment.isAlive, true)
        assert.ok(moment.health === 'unwell' || moment.health === 'starting')
      }
    }
  })
})

/** Moments of a process that never ends and whose answers are these, one each second. */
const answering = (healths: readonly Health[]): Moment[] =>
  healths.map((health) => ({ afterMs: 1_000, isAlive: true, health, tookMs: 0, chance: 0 }))

test('fewer bad probes than it takes, between good answers, never restart it', () => {
  const good = fc.constantFrom<Health>('well', 'refused')
  const group = fc.tuple(good, fc.integer({ min: 0, max: fewestProbes - 1 }))
  fc.assert(
    fc.property(fc.constantFrom(...kinds), fc.array(group), (kind, groups) => {
      const healths = groups.flatMap(([first, bad]) => [
        first,
        ...Array.from({ length: bad }, () => 'unwell' as const),
      ])
      assert.deepEqual(live(kind, answering(healths)), [])
    }),
  )
})

test('restarts in a row keep the back-off', () => {
  lives((kind, seen) => {
    // Without a moment of health nothing is ever calm: every restart is one in a row.
    const restarts = live(
      kind,
      seen.filter(({ health }) => health !== 'well'),
    )
    for (let index = 1; index < restarts.length; index++) {
      const gap = restarts[index]!.at - restarts[index - 1]!.at
      assert.ok(gap >= pauseAfter(index), `${index}: ${gap} ms`)
    }
  })
})

test('pauses double, up to the longest', () => {
  assert.deepEqual([0, 1, 2, 3, 7, 8, 9, 99].map(pauseAfter), [
    ...[0, 250, 500, 1_000],
    ...[16_000, 30_000, 30_000, 30_000],
  ])
})

test('restarts by another watcher count for the back-off too', () => {
  let watch: Watch | undefined
  let now = 0
  for (let run = 0; run < 10; run++) {
    now += 10
    const sight: Sight = { kind: 'service', identity: `${run}`, isAlive: true, probe: undefined }
    watch = judge(watch, sight, now, limits, 0).watch
  }
  assert.equal(watch?.failures, 9)
  const dead: Sight = { kind: 'service', identity: '9', isAlive: false, probe: undefined }
  assert.equal(judge(watch, dead, now + pauseAfter(9) - 1, limits, 0).cause, undefined)
  assert.equal(judge(watch, dead, now + pauseAfter(9), limits, 0).cause, 'ended')
})

/** After any life, the same thing is seen once a second until it is restarted. */
function restartedWithin(
  kind: ProcessKind,
  seen: readonly Moment[],
  last: Omit<Moment, 'afterMs'>,
) {
  const patience = Math.max(longestGraceMs, ...kinds.map((each) => limits.startingMs[each]))
  const seconds = Math.ceil((patience + 2 * pauseMaxMs) / 1_000) + fewestProbes
  const tail = Array.from({ length: seconds }, () => ({ ...last, afterMs: 1_000 }))
  return live(kind, [...seen, ...tail]).length > live(kind, seen).length
}

test('what has ended, stays silent or never gets there is restarted in the end', () => {
  const lasting = fc.constantFrom(
    { isAlive: false, health: undefined },
    { isAlive: true, health: 'unwell' as const },
    { isAlive: true, health: 'starting' as const },
  )
  const property = fc.property(fc.constantFrom(...kinds), moments, lasting, (kind, seen, last) => {
    assert.ok(restartedWithin(kind, seen, { ...last, tookMs: 0, chance: 0.999 }))
  })
  fc.assert(property, { numRuns: 300 })
})

test('the first end is mended at once; silence after its time; a start that is slow, later', () => {
  const ended = [{ afterMs: 1, isAlive: false, health: undefined, tookMs: 0, chance: 0 }]
  assert.equal(live('service', [...answering(['well']), ...ended])[0]?.cause, 'ended')
  const silent = answering(['well', 'unwell', 'unwell', 'unwell', 'unwell'])
  assert.deepEqual(
    live('service', silent).map(({ at, cause }) => [at - 1_000_000, cause]),
    [[5_000, 'silent']],
  )
  assert.deepEqual(live('service', answering(['unwell', 'unwell', 'unwell', 'unwell'])), [])
})

test('a watcher that was away does not take its own absence for silence', () => {
  const short = answering(['unwell', 'unwell', 'unwell']).map((each) => ({ ...each, afterMs: 500 }))
  const muchLater = { afterMs: 3_600_000, isAlive: true, health: undefined, tookMs: 0, chance: 0 }
  assert.deepEqual(live('service', [...answering(['well']), ...short, muchLater]), [])
  const oneBad = answering(['well', 'unwell'])
  assert.deepEqual(live('service', [...oneBad, muchLater, ...answering(['unwell'])]), [])
})

test('calm ends the back-off', () => {
  const crash = { afterMs: 30_000, isAlive: false, health: undefined, tookMs: 0, chance: 0 }
  const calm = answering(Array.from({ length: calmMs / 1_000 + 1 }, () => 'well' as const))
  const five = [crash, crash, crash, crash, crash]
  const soon = { ...crash, afterMs: 1 }
  assert.equal(live('service', [...five, soon]).length, 5)
  const later = { ...crash, afterMs: pauseAfter(1) }
  assert.equal(live('service', [...five, ...calm, soon, later]).length, 7)
})
