/**
 * What every storage adapter must do, as one node:test suite; memory.test.ts and lmdb.test.ts call
 * it. The port it holds them to: storage.ts. Next: lmdb.test.ts, for what only a disk can do.
 */
import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import fc from 'fast-check'
import type { ShopError } from '../runtime/errors.ts'
import type { Draft, Json, Storage, StoredEntry } from './storage.ts'

export interface Opened {
  readonly storage: Storage
  /** Opens the same data again; the storage before it must be closed. */
  reopen(): Promise<Storage>
  /** Durable writes so far. */
  writes(): number
  /** Closes and removes everything. */
  dispose(): Promise<void>
}

export interface ConformanceOptions {
  /** An empty storage of PARTITIONS partitions. */
  openFresh(): Promise<Opened>
}

export const PARTITIONS = 12
const MODEL_RUNS = 40

type Open = () => Promise<Opened>
interface Counter {
  readonly n: number
}

export function storageConformance(name: string, { openFresh }: ConformanceOptions): void {
  describe(`storage: ${name}`, () => {
    const opened: Opened[] = []
    const open = async () => {
      const fresh = await openFresh()
      opened.push(fresh)
      return fresh
    }
    after(() => Promise.all(opened.map((each) => each.dispose())))
    describe('steps', () => steps(open))
    describe('groups', () => groups(open))
    describe('long records', () => longRecords(open))
    describe('model', () => model(open))
    describe('records', () => records(open))
    describe('scan', () => scans(open))
    describe('load', () => loads(open))
    describe('close', () => closing(open))
  })
}

const increment = (key: string) => (draft: Draft) => {
  const n = (draft.get<Counter>(key)?.n ?? 0) + 1
  draft.put(key, { n })
  return n
}

const code = (expected: string) => (error: unknown) => (error as ShopError).code === expected

async function scanAll(storage: Storage, partition: number, prefix = '') {
  const found = await storage.scan(partition, prefix, { limit: 1_000_000 })
  return found.map(({ key }) => key)
}

function steps(open: Open): void {
  test('transact resolves with what the step returned, and read shows what it put', async () => {
    const { storage } = await open()
    assert.equal(storage.partitions, PARTITIONS)
    const result = await storage.transact(0, ['a', 'b'], (draft) => {
      assert.equal(draft.get('a'), undefined)
      draft.put('a', { n: 1 })
      draft.put('b', [1, 'two', { three: true }])
      return 'done'
    })
    assert.equal(result, 'done')
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    assert.deepEqual(await storage.read(0, 'b'), [1, 'two', { three: true }])
    assert.equal(await storage.read(0, 'c'), undefined)
  })

  test('a step sees its own puts and deletes', async () => {
    const { storage } = await open()
    await storage.transact(0, ['a'], (draft) => {
      draft.put('a', { n: 1 })
      assert.deepEqual(draft.get('a'), { n: 1 })
      draft.delete('a')
      assert.equal(draft.get('a'), undefined)
      draft.put('a', { n: 2 })
    })
    assert.deepEqual(await storage.read(0, 'a'), { n: 2 })
  })

  test('a deleted record is gone; deleting an absent one is allowed', async () => {
    const { storage } = await open()
    await storage.transact(0, ['a', 'b'], (draft) => draft.put('a', { n: 1 }))
    await storage.transact(0, ['a', 'b'], (draft) => {
      draft.delete('a')
      draft.delete('b')
    })
    assert.equal(await storage.read(0, 'a'), undefined)
    assert.deepEqual(await scanAll(storage, 0), [])
    await storage.transact(0, ['a'], (draft) => assert.equal(draft.get('a'), undefined))
  })

  test('a step that throws writes nothing and rejects with the same error', async () => {
    const { storage } = await open()
    await storage.transact(0, ['a', 'b'], (draft) => draft.put('a', { n: 1 }))
    const thrown = new Error('changed my mind')
    const failing = storage.transact(0, ['a', 'b', 'c'], (draft) => {
      draft.put('a', { n: 2 })
      draft.put('a', { n: 3 })
      draft.put('b', { n: 4 })
      draft.delete('a')
      throw thrown
    })
    await assert.rejects(failing, (error) => error === thrown)
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    assert.deepEqual(await scanAll(storage, 0), ['a'])
  })

  test('a step may touch only the keys that it named', async () => {
    const { storage } = await open()
    const touch = (step: (draft: Draft) => void) =>
      assert.rejects(storage.transact(0, ['a'], step), /was not told of/)
    await touch((draft) => draft.get('b'))
    await touch((draft) => draft.put('b', { n: 1 }))
    await touch((draft) => draft.delete('b'))
    assert.deepEqual(await scanAll(storage, 0), [])
  })

  test('a draft is of no use once its step has ended; a step cannot be asynchronous', async () => {
    const { storage } = await open()
    let leaked: Draft | undefined
    await storage.transact(0, ['a'], (draft) => {
      leaked = draft
    })
    assert.throws(() => leaked!.put('a', { n: 1 }), /after its step/)
    const asynchronous = storage.transact(0, ['a'], async (draft) => draft.put('a', { n: 1 }))
    await assert.rejects(asynchronous, /must be synchronous/)
    assert.equal(await storage.read(0, 'a'), undefined)
  })

  test('wrong keys and partitions are refused before anything happens', async () => {
    const { storage } = await open()
    for (const key of ['', 'a/b', 'ä', 'a b', '{x}', 'a\0', 'x'.repeat(513)]) {
      const refused = storage.transact(0, ['a', key], (draft) => draft.put('a', { n: 1 }))
      await assert.rejects(refused, TypeError, key)
      await assert.rejects(storage.read(0, key), TypeError, key)
      await assert.rejects(storage.load(0, [{ key, record: {} }]), TypeError, key)
    }
    for (const partition of [-1, PARTITIONS, 0.5, Number.NaN]) {
      const refused = storage.transact(partition, ['a'], (draft) => draft.put('a', { n: 1 }))
      await assert.rejects(refused, RangeError)
      await assert.rejects(storage.read(partition, 'a'), RangeError)
      await assert.rejects(storage.scan(partition, '', { limit: 1 }), RangeError)
    }
    assert.deepEqual(await scanAll(storage, 0), [])
  })
}

function groups(open: Open): void {
  test('a throwing step leaves the others of its group untouched', async () => {
    const { storage } = await open()
    const results = await Promise.allSettled(
      Array.from({ length: 100 }, (_, index) =>
        storage.transact(0, ['counter', `own:${index}`], (draft) => {
          const n = increment('counter')(draft)
          draft.put(`own:${index}`, { n })
          if (index % 3 === 0) throw new Error(`no ${index}`)
          return n
        }),
      ),
    )
    const wanted = results.map((_, index) => (index % 3 === 0 ? 'rejected' : 'fulfilled'))
    assert.deepEqual(
      results.map(({ status }) => status),
      wanted,
    )
    assert.deepEqual(await storage.read(0, 'counter'), { n: 66 })
    assert.equal((await scanAll(storage, 0, 'own:')).length, 66)
  })

  test('1,000 concurrent increments of one counter make 1,000', async () => {
    const { storage } = await open()
    const results = await Promise.all(
      Array.from({ length: 1_000 }, () => storage.transact(3, ['n'], increment('n'))),
    )
    assert.deepEqual(
      results,
      results.map((_, index) => index + 1),
    )
    assert.deepEqual(await storage.read(3, 'n'), { n: 1_000 })
  })

  test('what arrives together is written together', async () => {
    const { storage, writes } = await open()
    const before = writes()
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 200 }, (_, index) => {
          const key = `k:${index}`
          return storage.transact(0, [key], increment(key))
        }),
      )
    }
    assert.ok(writes() - before <= 15, `${writes() - before} writes for 1,000 steps`)
    assert.deepEqual(await storage.read(0, 'k:199'), { n: 5 })
  })

  test('steps of a group see one another in order; partitions do not', async () => {
    const { storage } = await open()
    const order: Array<number | undefined> = []
    await Promise.all(
      [0, 1, 0, 1, 0].map((partition, index) =>
        storage.transact(partition, ['last'], (draft) => {
          order.push(draft.get<Counter>('last')?.n)
          draft.put('last', { n: index })
        }),
      ),
    )
    assert.deepEqual(order, [undefined, undefined, 0, 1, 2])
  })

  test('read your writes: each chain reads what it wrote, at once, among others', async () => {
    const { storage } = await open()
    const chain = async (key: string) => {
      for (let n = 1; n <= 50; n++) {
        await storage.transact(0, [key], (draft) => draft.put(key, { n }))
        assert.deepEqual(await storage.read(0, key), { n })
        const [entry] = await storage.scan(0, key, { limit: 1 })
        assert.deepEqual(entry, { key, record: { n } })
      }
    }
    await Promise.all(Array.from({ length: 8 }, (_, index) => chain(`chain:${index}`)))
  })
}

type Call =
  | { readonly kind: 'add'; readonly key: string; readonly other: string }
  | { readonly kind: 'put' | 'delete' | 'throw'; readonly key: string; readonly n: number }

/** What a correct storage does, one call after the other. */
function applyCall(call: Call, draft: Draft): number {
  const before = draft.get<Counter>(call.key)?.n ?? 0
  if (call.kind === 'add') {
    draft.put(call.key, { n: before + (draft.get<Counter>(call.other)?.n ?? 1) })
    return before
  }
  if (call.kind === 'delete') draft.delete(call.key)
  else draft.put(call.key, { n: call.n })
  if (call.kind === 'throw') throw new Error('refused')
  return before
}

function modelDraft(records: Map<string, Json>): Draft {
  return {
    get: (key) => records.get(key) as never,
    put: (key, record) => void records.set(key, record),
    delete: (key) => void records.delete(key),
  }
}

/** Longer than what adapters keep in memory. */
const long = 'x'.repeat(5_000)

function longRecords(open: Open): void {
  test('a step over two long records ends, also while one of them is read', async () => {
    const { storage } = await open()
    const keys = ['a', 'b', 'c']
    for (const key of keys) await storage.transact(0, [key], (draft) => draft.put(key, { long }))
    const reading = storage.read(0, 'a')
    await new Promise((resolve) => setImmediate(resolve))
    let runs = 0
    await storage.transact(0, keys, (draft) => {
      runs++
      draft.put('c', { both: [draft.get('a'), draft.get('b')] })
    })
    assert.ok(runs <= 3, `it ran ${runs} times`)
    assert.deepEqual(await reading, { long })
    assert.deepEqual(await storage.read(0, 'c'), { both: [{ long }, { long }] })
  })

  test('many steps over a few long records all end', async () => {
    const { storage } = await open()
    const keys = ['a', 'b', 'c', 'd', 'e']
    const rounds = 40
    await Promise.all(
      keys.map(async (one, index) => {
        const other = keys[(index + 1) % keys.length]!
        for (let round = 0; round < rounds; round++) {
          await storage.transact(0, [one, other], (draft) => {
            for (const key of [one, other]) {
              draft.put(key, { n: (draft.get<Counter>(key)?.n ?? 0) + 1, long })
            }
          })
        }
      }),
    )
    for (const key of keys) assert.equal((await storage.read<Counter>(0, key))!.n, 2 * rounds)
  })
}

function model(open: Open): void {
  const key = fc.constantFrom('a', 'ab', 'b:1', 'b:10', '__proto__')
  const call: fc.Arbitrary<Call> = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), key, other: key }),
    fc.record({
      kind: fc.constantFrom('put' as const, 'delete' as const, 'throw' as const),
      key,
      n: fc.integer({ min: 0, max: 99 }),
    }),
  )
  const keysOf = (made: Call) => (made.kind === 'add' ? [made.key, made.other] : [made.key])

  test('any calls in any groups behave as one after the other on a Map', async () => {
    const { storage } = await open()
    const rounds = fc.array(fc.array(call, { minLength: 1, maxLength: 12 }), { maxLength: 6 })
    const partition = 5
    const property = fc.asyncProperty(rounds, async (made) => {
      const old = await scanAll(storage, partition)
      await storage.transact(partition, old, (draft) => {
        for (const each of old) draft.delete(each)
      })
      let expected = new Map<string, Json>()
      for (const round of made) {
        const outcomes = await Promise.allSettled(
          round.map((each) =>
            storage.transact(partition, keysOf(each), (draft) => applyCall(each, draft)),
          ),
        )
        for (const [index, each] of round.entries()) {
          const trial = new Map(expected)
          const outcome = outcomes[index]!
          if (each.kind === 'throw') {
            assert.equal(outcome.status, 'rejected')
          } else {
            const value = applyCall(each, modelDraft(trial))
            assert.deepEqual(outcome, { status: 'fulfilled', value })
            expected = trial
          }
        }
        const found = await storage.scan(partition, '', { limit: 100 })
        const sorted = [...expected].sort(([a], [b]) => (a < b ? -1 : 1))
        assert.deepEqual(
          found.map((entry) => [entry.key, entry.record]),
          sorted,
        )
      }
    })
    await fc.assert(property, { numRuns: MODEL_RUNS, seed: 1 })
  })
}

function records(open: Open): void {
  const hostile = {
    unicode: 'Käse 漢字 🛒 \u2028 \u0000 "quoted" \\ \ud800',
    numbers: [0, -1, 2 ** 53 - 1, 0.1, 1e-9],
    empty: { object: {}, array: [], text: '', no: false },
    nothing: null,
    large: 'ü'.repeat(50_000),
    proto: JSON.parse('{"__proto__":{"polluted":true},"constructor":1}') as object,
  }

  test('any JSON comes back as it was, also after a restart', async () => {
    const { storage, reopen } = await open()
    const plain: Record<string, Json> = { text: 'ä', zero: 0, no: false, empty: '', list: [] }
    await storage.transact(0, ['hostile', '__proto__', ...Object.keys(plain)], (draft) => {
      draft.put('hostile', hostile)
      draft.put('__proto__', { n: 7 })
      for (const [key, record] of Object.entries(plain)) draft.put(key, record)
    })
    const expected = JSON.parse(JSON.stringify(hostile))
    const check = async (from: Storage) => {
      assert.deepEqual(JSON.parse(JSON.stringify(await from.read(0, 'hostile'))), expected)
      assert.deepEqual(await from.read(0, '__proto__'), { n: 7 })
      for (const [key, record] of Object.entries(plain)) {
        assert.deepEqual(await from.read(0, key), record)
      }
    }
    await check(storage)
    await storage.close()
    await check(await reopen())
    assert.equal(({} as { polluted?: boolean }).polluted, undefined)
  })

  test('a record that is not JSON fails its step alone', async () => {
    const { storage } = await open()
    const cycle: { self?: object } = {}
    cycle.self = cycle
    const wrong = [undefined, null, Number.NaN, () => 1, 1n, { big: 1n }, cycle] as Json[]
    const calls = wrong.map((record) =>
      assert.rejects(
        storage.transact(0, ['a', 'bad'], (draft) => {
          draft.put('a', { n: -1 })
          draft.put('bad', record)
        }),
        TypeError,
      ),
    )
    await Promise.all([storage.transact(0, ['a'], increment('a')), ...calls])
    assert.deepEqual(await storage.read(0, 'a'), { n: 1 })
    assert.equal(await storage.read(0, 'bad'), undefined)
  })

  test('a restart keeps everything', async () => {
    const { storage, reopen } = await open()
    for (let partition = 0; partition < PARTITIONS; partition++) {
      await storage.load(
        partition,
        Array.from({ length: 100 }, (_, n) => ({ key: `k:${n}`, record: { n, partition } })),
      )
    }
    await storage.transact(1, ['k:1'], (draft) => draft.delete('k:1'))
    await storage.close()
    const again = await reopen()
    assert.equal(again.partitions, PARTITIONS)
    for (let partition = 0; partition < PARTITIONS; partition++) {
      assert.equal((await scanAll(again, partition)).length, partition === 1 ? 99 : 100)
      assert.deepEqual(await again.read(partition, 'k:99'), { n: 99, partition })
    }
  })
}

function scans(open: Open): void {
  const keys = ['A', 'Z', '_', 'a', 'a-', 'a.', 'a0', 'a:', 'a:1', 'a:10', 'a:2', 'aA', 'a_', 'aa']

  test('ascending by bytes, by prefix, after a key, up to the limit', async () => {
    const { storage } = await open()
    await storage.load(
      1,
      keys.toReversed().map((key) => ({ key, record: { key } })),
    )
    const sorted = keys.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    for (const prefix of ['', 'a', 'a:', 'a:1', 'b', 'Z']) {
      const expected = sorted.filter((key) => key.startsWith(prefix))
      assert.deepEqual(await scanAll(storage, 1, prefix), expected)
      for (const [index, key] of expected.entries()) {
        const found = await storage.scan(1, prefix, { after: key, limit: 3 })
        assert.deepEqual(
          found,
          expected
            .slice(index + 1, index + 4)
            .map((each) => ({ key: each, record: { key: each } })),
        )
      }
    }
    assert.deepEqual(await storage.scan(1, '', { limit: 0 }), [])
    // The one after need not exist (any more).
    const absent = await storage.scan(1, 'a:', { after: 'a:11', limit: 9 })
    assert.deepEqual(
      absent.map(({ key }) => key),
      ['a:2'],
    )
  })

  test('partitions are apart, also those whose numbers start alike', async () => {
    const { storage } = await open()
    for (const partition of [0, 1, 10, 11]) {
      await storage.transact(partition, ['k'], (draft) => draft.put('k', { partition }))
    }
    for (const partition of [0, 1, 10, 11]) {
      const found = await storage.scan(partition, '', { limit: 10 })
      assert.deepEqual(found, [{ key: 'k', record: { partition } }])
    }
    assert.deepEqual(await scanAll(storage, 2), [])
    await storage.transact(1, ['k'], (draft) => draft.delete('k'))
    assert.deepEqual(await storage.read(11, 'k'), { partition: 11 })
  })
}

function loads(open: Open): void {
  const entries = function* (count: number): Generator<StoredEntry> {
    for (let n = 0; n < count; n++) yield { key: `item:${n}`, record: { n } }
  }

  test('what is loaded is there, replaces what was, and steps run meanwhile', async () => {
    const { storage } = await open()
    await storage.transact(0, ['item:5'], (draft) => draft.put('item:5', { n: -1 }))
    await storage.read(0, 'item:5')
    let isLoading = true
    let ran = 0
    const loading = storage.load(0, entries(20_000)).then(() => {
      isLoading = false
    })
    while (isLoading) {
      await storage.transact(0, ['counter'], increment('counter'))
      ran++
    }
    await loading
    assert.ok(ran >= 10, `only ${ran} steps ran while 20,000 records were loaded`)
    assert.deepEqual(await storage.read(0, 'counter'), { n: ran })
    assert.deepEqual(await storage.read(0, 'item:5'), { n: 5 })
    assert.equal((await scanAll(storage, 0, 'item:')).length, 20_000)
  })

  test('a step of the same moment sees a chunk wholly or not at all', async () => {
    const { storage } = await open()
    const seen: Array<[boolean, boolean]> = []
    const loading = storage.load(0, entries(10))
    const look = storage.transact(0, ['item:0', 'item:9'], (draft) => {
      seen.push([draft.get('item:0') !== undefined, draft.get('item:9') !== undefined])
    })
    await Promise.all([loading, look])
    for (const [first, last] of seen) assert.equal(first, last)
  })

  test('loads at once are fair to one another; an empty one is fine', async () => {
    const { storage } = await open()
    const ended: number[] = []
    const load = (partition: number, count: number) =>
      storage.load(partition, entries(count)).then(() => ended.push(partition))
    await Promise.all([load(0, 8_000), load(1, 2_000), load(2, 0)])
    assert.equal(ended.at(-1), 0)
    assert.equal((await scanAll(storage, 1)).length, 2_000)
  })

  test('entries that throw end their load, and only that', async () => {
    const { storage } = await open()
    const failing = function* (): Generator<StoredEntry> {
      yield { key: 'a', record: { n: 1 } }
      throw new Error('no more')
    }
    await Promise.all([
      assert.rejects(storage.load(0, failing()), /no more/),
      storage.load(1, entries(10)),
      storage.transact(0, ['b'], increment('b')),
    ])
    assert.deepEqual(await storage.read(0, 'b'), { n: 1 })
  })
}

function closing(open: Open): void {
  test('what was accepted before close becomes durable; what comes later is refused', async () => {
    const { storage, reopen } = await open()
    const accepted = Array.from({ length: 100 }, (_, index) =>
      storage.transact(0, [`k:${index}`], increment(`k:${index}`)),
    )
    const entries = Array.from({ length: 5_000 }, (_, n) => ({ key: `l:${n}`, record: { n } }))
    const loading = storage.load(1, entries)
    const closed = storage.close()
    await assert.rejects(storage.transact(0, ['x'], increment('x')), code('storage_closed'))
    await assert.rejects(storage.read(0, 'k:0'), code('storage_closed'))
    await assert.rejects(storage.scan(0, '', { limit: 1 }), code('storage_closed'))
    await assert.rejects(storage.load(0, []), code('storage_closed'))
    await Promise.all([closed, storage.close(), loading, ...accepted])
    const again = await reopen()
    assert.equal((await scanAll(again, 0)).length, 100)
    assert.equal((await scanAll(again, 1)).length, 5_000)
  })
}
