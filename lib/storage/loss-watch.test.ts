/** What the watch says when its database goes back, and that it says nothing otherwise. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { LossWatch } from './loss-watch.ts'
import type { Draft } from './storage.ts'

/** A watched database that `failOver` takes back to its beginning; its clock ticks when told to. */
function scene() {
  const errors: string[] = []
  const ticks: (() => void)[] = []
  let current = new Map<string, number>()
  const watch = new LossWatch({
    partitions: 1,
    instance: 'stock-0',
    log: { error: (text: string) => errors.push(text) } as unknown as Log,
    clock: {
      every: (_: number, run: () => void) => {
        ticks.push(run)
        return { cancel: () => {} }
      },
    } as unknown as Clock,
    read: async (_, key) => current.get(key),
  })
  const counting = watch.countingIn(0)
  const draft = {
    get: (key: string) => current.get(key),
    put: (key: string, record: number) => void current.set(key, record),
  } as unknown as Draft
  return {
    ...{ watch, errors, counting },
    run: () => counting.step(draft),
    failOver: () => {
      current = new Map()
    },
    look: async () => {
      for (const tick of ticks) tick()
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test('writes that are there are no loss, also of those side by side', async () => {
  const { errors, counting, run, look } = scene()
  counting.resolve(run())
  const group = [run(), run(), run()]
  for (const each of group) counting.resolve(each)
  await look()
  assert.deepEqual(errors, [])
})

test('a write whose answer was lost is no loss, whether it is there or not', () => {
  const { errors, run, counting } = scene()
  counting.resolve(run())
  run()
  counting.reject()
  counting.reject()
  counting.resolve(run())
  assert.deepEqual(errors, [])
})

test('the next write tells what is lost, once', () => {
  const { errors, counting, run, failOver, watch } = scene()
  counting.resolve(run())
  counting.resolve(run())
  failOver()
  counting.resolve(run())
  counting.resolve(run())
  assert.deepEqual(errors, ['the database has lost acknowledged writes'])
  assert(watch.metric.kind === 'counter')
  assert.equal(watch.metric.name, 'till_storage_losses_total')
  assert.equal(watch.metric.read()[0]?.value, 1)
})

test('who writes nothing more finds out by looking', async () => {
  const { errors, counting, run, failOver, look } = scene()
  counting.resolve(run())
  failOver()
  await look()
  await look()
  assert.equal(errors.length, 1)
})
