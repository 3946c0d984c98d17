import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { ChurnMap } from './churn-map.ts'

type Action = readonly ['set' | 'delete', key: number] | readonly ['clear']

const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.tuple(fc.constantFrom('set' as const, 'delete' as const), fc.nat(5)),
  },
  { weight: 1, arbitrary: fc.constant(['clear'] as const) },
)

describe('churn map', () => {
  test('does what a Map does', () => {
    fc.assert(
      fc.property(fc.array(action), (actions) => {
        const map = new ChurnMap<number, { at: number }>()
        const model = new Map<number, { at: number }>()
        for (const [at, [verb, key]] of actions.entries()) {
          if (verb === 'clear') for (const each of [map, model]) each.clear()
          else if (verb === 'delete') for (const each of [map, model]) each.delete(key)
          else for (const each of [map, model]) each.set(key, { at })
          assert.equal(map.size, model.size)
          assert.deepEqual([...map.entries()], [...model.entries()])
          assert.deepEqual([...map.keys()], [...model.keys()])
          assert.deepEqual([...map.values()], [...model.values()])
          assert.deepEqual(map.first(), model.values().next().value)
          for (let key = 0; key < 6; key++) assert.equal(map.get(key)?.at, model.get(key)?.at)
        }
      }),
      { seed: 5 },
    )
  })

  test('leaves out what is deleted while it is looked through, and meets what is set', () => {
    const map = new ChurnMap<number, { key: number }>()
    for (let key = 0; key < 3; key++) map.set(key, { key })
    const met: number[] = []
    for (const [key] of map.entries()) {
      met.push(key)
      if (key === 0) map.delete(1)
      if (key === 2) map.set(3, { key: 3 })
    }
    assert.deepEqual(met, [0, 2, 3])
  })

  test('what was deleted is not kept by former tables, as a Map keeps it', () => {
    setFlagsFromString('--expose-gc')
    // A large collection on the way would take what a Map leaves, now and then.
    setFlagsFromString('--no-incremental-marking')
    const collect = runInNewContext('gc') as (options?: { type: 'minor' }) => void
    const oldBytes = () =>
      getHeapSpaceStatistics()
        .filter(({ space_name }) => space_name.startsWith('old') || space_name.startsWith('large'))
        .reduce((sum, { space_used_size }) => sum + space_used_size, 0)
    /** Bytes that small collections have left in the old space after 50 MB came and went. */
    const left = (map: Pick<ChurnMap<number, object>, 'set' | 'delete'>) => {
      collect()
      const before = oldBytes()
      for (let round = 0; round < 100; round++) {
        for (let key = round * 500; key < round * 500 + 500; key++) {
          map.set(key, new Array(128).fill(key))
          map.delete(key - 24)
        }
        collect({ type: 'minor' })
      }
      return oldBytes() - before
    }
    const ofMap = left(new Map<number, object>() as never)
    const ofChurnMap = left(new ChurnMap<number, object>())
    assert(ofChurnMap * 4 < ofMap, `${ofChurnMap} bytes, a Map leaves ${ofMap}`)
  })
})
