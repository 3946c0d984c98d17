/**
 * A suite of this folder: named cases that drive one running shop. The cases know nothing of how it
 * runs; a *.test.ts file chooses the deployment and calls `suite`.
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { systemClock } from '../lib/runtime/clock.ts'
import { checkShop, type Expected, settled } from './checker.ts'
import type { RunningShop } from './running-shop.ts'

export type Cases<R extends RunningShop = RunningShop> = Readonly<
  Record<string, (running: R) => Promise<void>>
>

export interface SuiteOptions<R extends RunningShop> {
  start(): Promise<R>
  /** Run at the end, over everything that the cases have left. */
  end?(running: R): Promise<void>
}

export function suite<R extends RunningShop>(
  name: string,
  { start, end }: SuiteOptions<R>,
  cases: Cases<R>,
): void {
  describe(name, { concurrency: 1 }, () => {
    let running: R | undefined
    before(async () => {
      running = await start()
    })
    after(() => running?.close())
    for (const [title, run] of Object.entries(cases)) test(title, () => run(running!))
    if (end !== undefined) test('at the end, the full check', () => end(running!))
  })
}

/**
 * I5: how long after the last fault, or the last request, everything has come to its end.
 */
export const restWithinMs = 5_000
const mostShown = 20

/** Waits until the shop is at rest and asserts that the full check finds no difference. */
export async function assertSound(running: RunningShop, expected: Expected = {}): Promise<void> {
  await settled(running.records, restWithinMs)
  const differences = await checkShop(running.records, expected)
  const more = differences.length - mostShown
  const shown = differences.slice(0, mostShown).join('\n')
  assert.equal(differences.length, 0, more > 0 ? `${shown}\nand ${more} more` : shown)
}

/**
 * Runs `work` over `items`, at most `atOnce` of them at a time; results in the order of `items`.
 */
export async function inParallel<T, R>(
  atOnce: number,
  items: readonly T[],
  work: (item: T, index: number) => Promise<R>,
): Promise<R[]> {
  const results: R[] = new Array(items.length)
  const queue = items.entries()
  const worker = async () => {
    for (const [index, item] of queue) results[index] = await work(item, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  return results
}

/** A test that says in the report what could not run here; a failure where CI=true. */
export function tellMissing(sentence: string, environment: { CI?: string | undefined }): void {
  test(sentence, { skip: environment.CI !== 'true' }, () => assert.fail(sentence))
}

/** 0, 1, ... up to `length`. */
export const range = (length: number) => Array.from({ length }, (_, index) => index)

/** Asks until `isSo` or the time is over, and answers which it was; the caller asserts. */
export async function eventually(withinMs: number, isSo: () => Promise<boolean>): Promise<boolean> {
  const giveUpAt = systemClock.now() + withinMs
  const pollMs = 20
  while (systemClock.now() < giveUpAt) {
    if (await isSo()) return true
    await setTimeout(pollMs)
  }
  return false
}
