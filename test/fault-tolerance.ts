/**
 * Everything that a deployed shop consists of is killed in turn under load: each service, each
 * database, the broker, the gateway, each watchdog, and some two at once. The shop must come back
 * by itself each time, and at the end every book must be right. For any shop with named parts.
 *
 * How long each took is told, not judged: times belong to benchmarks.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { ProcessKind } from '../watchdog/process-spec.ts'
import type { RunningShop } from './running-shop.ts'
import { SteadyLoad } from './steady-load.ts'
import { assertSound, eventually } from './suite.ts'

export interface Breakable {
  readonly name: string
  readonly kind: ProcessKind
}

export interface BreakableShop extends RunningShop {
  readonly parts: readonly Breakable[]
  /** `kill -9`; resolves when it has been sent. */
  kill(name: string): Promise<void>
  /** Which run of the part it is; undefined while it does not run. */
  runOf(name: string): Promise<string | undefined>
}

const orders = 100_000
/** Far more than any recovery takes; who needs longer does not come back. */
const backWithinMs = 60_000
/** Checkouts between two faults: the shop runs as usual again. */
const usual = 40

/** Killed at the same moment: a service with its database, the broker with a coordinator. */
const pairs = [
  ['service', 'database'],
  ['broker', 'service'],
  ['database', 'database'],
] as const

export function faultToleranceSuite(title: string, start: () => Promise<BreakableShop>): void {
  test(title, async (context) => {
    const running = await start()
    try {
      const load = await SteadyLoad.prepare(running.shop, orders)
      load.start(running.shop)
      await load.untilPaid(usual, backWithinMs)
      for (const { name } of running.parts) await kill(context, running, load, [name])
      for (const pair of pairs) await kill(context, running, load, namesOf(running, pair))
      await load.stop()
      await assertSound(running, load.expected)
    } finally {
      await running.close()
    }
  })
}

/** The last of each kind: of two of one kind, the last two. */
function namesOf({ parts }: BreakableShop, kinds: readonly Breakable['kind'][]): string[] {
  const left = [...parts]
  return kinds.map((kind) => {
    const index = left.findLastIndex((part) => part.kind === kind)
    return left.splice(index, 1)[0]!.name
  })
}

async function kill(
  context: TestContext,
  running: BreakableShop,
  load: SteadyLoad,
  names: readonly string[],
): Promise<void> {
  const before = await Promise.all(names.map((name) => running.runOf(name)))
  const blow = () => Promise.all(names.map((name) => running.kill(name)))
  const paidAfterMs = await load.untilPaidAfter(blow, backWithinMs)
  for (const [index, name] of names.entries()) {
    const isBack = async () => {
      const now = await running.runOf(name)
      return now !== undefined && now !== before[index]
    }
    assert.ok(await eventually(backWithinMs, isBack), `nobody has brought back ${name}`)
  }
  await load.untilPaid(usual, backWithinMs)
  context.diagnostic(
    `${names.join(' and ')}: a checkout succeeded after ${paidAfterMs.toFixed()} ms`,
  )
}
