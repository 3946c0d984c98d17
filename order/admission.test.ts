import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Admission, placeMs } from './admission.ts'

const limits = { maxRunningCheckouts: 2, checkoutDeadlineMs: 700 }

/** Work and timers that end when they are told to, and what has begun. */
function workshop() {
  const patience = new Set<() => void>()
  const places = new Set<() => void>()
  const clock = {
    after(ms: number, run: () => void) {
      assert.ok(ms === limits.checkoutDeadlineMs || ms === placeMs)
      const timers = ms === placeMs ? places : patience
      const ring = () => {
        timers.delete(ring)
        run()
      }
      timers.add(ring)
      return { cancel: () => void timers.delete(ring) }
    },
  }
  const admission = new Admission({ clock, config: limits })
  const begun: number[] = []
  const ends = new Map<number, (failure?: Error) => void>()
  const start = (number: number) =>
    admission.run(() => {
      begun.push(number)
      return new Promise<number>((resolve, reject) =>
        ends.set(number, (failure) => (failure ? reject(failure) : resolve(number))),
      )
    })
  return {
    admission,
    begun,
    patience,
    places,
    start,
    end: (number: number, failure?: Error) => ends.get(number)!(failure),
  }
}

describe('admission', () => {
  test('some run, the others wait in the order of their coming', async () => {
    const { admission, begun, start, end } = workshop()
    const answers = [0, 1, 2, 3, 4].map(start)
    assert.deepEqual(begun, [0, 1])
    assert.equal(admission.inFlight, 5)
    for (const [index, number] of [1, 0, 2, 3, 4].entries()) {
      assert.deepEqual(begun, [0, 1, 2, 3, 4].slice(0, 2 + index))
      end(number)
      assert.equal(await answers[number], number)
    }
    assert.equal(admission.inFlight, 0)
    assert.deepEqual(begun, [0, 1, 2, 3, 4])
  })

  test('what fails makes room too', async () => {
    const { admission, begun, start, end } = workshop()
    const answers = [0, 1, 2].map(start)
    end(0, new Error('broken'))
    await assert.rejects(answers[0]!, /broken/)
    assert.deepEqual(begun, [0, 1, 2])
    end(1)
    end(2)
    await Promise.all(answers.slice(1))
    assert.equal(admission.inFlight, 0)
  })

  test('who has waited too long is refused, and is not begun later', async () => {
    const { admission, begun, patience, start, end } = workshop()
    const answers = [0, 1, 2, 3].map(start)
    assert.equal(patience.size, 2)
    const [first] = patience
    first!()
    assert.equal(await answers[2], undefined)
    assert.equal(admission.inFlight, 3)
    end(0)
    await answers[0]
    assert.deepEqual(begun, [0, 1, 3])
    for (const number of [1, 3]) end(number)
    assert.deepEqual(await Promise.all(answers), [0, 1, undefined, 3])
    assert.equal(admission.inFlight, 0)
  })

  test('who takes too long keeps no place from others, and gives it back once', async () => {
    const { admission, begun, places, start, end } = workshop()
    const answers = [0, 1, 2, 3, 4, 5].map(start)
    for (const ring of [...places]) ring()
    assert.equal(admission.inFlight, 6)
    await Promise.resolve()
    assert.deepEqual(begun, [0, 1, 2, 3])
    for (const number of [0, 1]) end(number)
    await Promise.all(answers.slice(0, 2))
    assert.deepEqual(begun, [0, 1, 2, 3], 'their places are others’ already')
    for (const number of [2, 3, 4, 5]) {
      end(number)
      await answers[number]
    }
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5])
    assert.equal(admission.inFlight, 0)
    assert.equal(places.size, 0)
  })
})
