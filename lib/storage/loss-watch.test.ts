/** The watch: a storage like any other, and what it says when its database goes back. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../runtime/clock.ts'
import type { Log } from '../runtime/log.ts'
import { watchLosses } from './loss-watch.ts'
import { openMemoryStorage } from './memory.ts'

/** Collects errors; its clock ticks when it is told to. */
function scene() {
  const errors: string[] = []
  const ticks: (() => void)[] = []
  const log = { error: (text: string) => errors.push(text) } as unknown as Log
  const clock = {
    every: (_: number, run: () => void) => {
      ticks.push(run)
      return { cancel: () => {} }
    },
  } as unknown as Clock
  return { errors, ticks, options: { instance: 'stock-0', clock, log } }
}

test('steps are what they are without it', async () => {
  const memory = await openMemoryStorage({ partitions: 1 })
  const storage = watchLosses(memory, scene().options)
  assert.equal(await storage.transact(0, ['a'], (draft) => draft.get('a') ?? 'none'), 'none')
  assert.equal(memory.stats.writes, 0, 'who only looks writes nothing')
  const throwing = storage.transact(0, ['a'], (draft) => {
    draft.put('a', 1)
    throw new RangeError('no')
  })
  await assert.rejects(throwing, RangeError)
  await assert.rejects(storage.transact(0, ['a'], async (draft) => draft.put('a', 1)))
  await assert.rejects(storage.transact(0, ['a'], (draft) => draft.put('b', 1)))
  assert.equal(await storage.read(0, 'a'), undefined)
})

/** A watched storage over a database that `failOver` takes back to its first write. */
async function lossy() {
  const { errors, ticks, options } = scene()
  let current = await openMemoryStorage({ partitions: 1 })
  const lagging = await openMemoryStorage({ partitions: 1 })
  const storage = watchLosses(
    {
      partitions: 1,
      transact: (...call) => current.transact(...call),
      read: (...call) => current.read(...call),
      scan: (...call) => current.scan(...call),
      load: (...call) => current.load(...call),
      close: () => current.close(),
    },
    options,
  )
  const failOver = () => {
    current = lagging
  }
  const write = () => storage.transact(0, ['a'], (draft) => draft.put('a', { b: 1 }))
  return { storage, errors, ticks, failOver, write }
}

test('the next write tells what is lost, once', async () => {
  const { storage, errors, failOver, write } = await lossy()
  await write()
  await write()
  assert.deepEqual(errors, [])
  failOver()
  await write()
  await write()
  assert.deepEqual(errors, ['the database has lost acknowledged writes'])
  const [metric] = storage.metrics ?? []
  assert.equal(metric?.name, 'till_storage_losses_total')
  assert(metric.kind === 'counter')
  assert.equal(metric.read()[0]?.value, 1)
})

test('who writes nothing more finds out by looking', async () => {
  const { storage, errors, ticks, failOver, write } = await lossy()
  await write()
  failOver()
  for (const tick of ticks) tick()
  await storage.read(0, 'a')
  assert.equal(errors.length, 1)
})
