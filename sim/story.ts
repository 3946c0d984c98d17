/**
 * A failed seed, told: what was drawn, the fewest faults that still break it, and what happened
 * around the record, order and transaction that went wrong.
 */
import type { Draw } from './draw.ts'
import { tellFault } from './faults.ts'
import { type History, runHistory } from './history.ts'
import { shrink } from './shrink.ts'

/** Lines of the timeline that are shown without being asked for all. */
const linesShown = 120

export interface Story {
  readonly history: History
  readonly draw: Draw
  readonly text: string
}

export async function tellStory(failed: History, commit: string, isWhole: boolean): Promise<Story> {
  const draw = await shrink(failed)
  const history = await runHistory(draw, true)
  const { timeline, violations } = history
  const lines = isWhole ? timeline.lines : relevant(timeline.lines)
  const text = [
    `seed ${draw.seed} of ${draw.variant}, commit ${commit}`,
    ...(draw.rollout === undefined ? [] : [`rollout: to ${draw.rollout.to}`]),
    `shop: ${tellShop(draw)}`,
    `faults (${draw.faults.length} of ${failed.draw.faults.length} are needed):`,
    ...draw.faults.map((fault) => `  ${tellFault(fault)}`),
    'broken:',
    ...violations.map(
      ({ invariant, at, text }) => `  ${invariant} at ${at.toFixed(2)} ms: ${text}`,
    ),
    'timeline:',
    ...lines,
    `trace ${timeline.digest()}`,
  ].join('\n')
  return { history, draw, text }
}

function tellShop({ instances, config, items, users, orders, load }: Draw): string {
  const counts = Object.entries(instances).map(([service, count]) => `${count} ${service}`)
  return (
    `${counts.join(', ')}; ${config.partitions} partitions; ${items} items, ${users} users, ` +
    `${orders} orders; ${load.clients} clients, ${load.actions} actions; ` +
    `deadline ${config.checkoutDeadlineMs} ms`
  )
}

/** As in storage keys: numbers with their length in front, as a letter. */
const branchKey = /(?:branch|log):([a-z]+\.\d+):([a-z]\d+)([a-z]\d+)/g

/** Transactions and records that the violations name, and what befell the processes. */
function relevant(lines: readonly string[]): string[] {
  const broken = lines.filter((line) => line.includes(' CHECKER '))
  const names = new Set(
    broken.flatMap(
      (line) =>
        line.match(
          /(?:order|orchestrator)\.\d+\.\d+\.\d+|(?:item|user|order):[\w-]+|client \d+/g,
        ) ?? [],
    ),
  )
  for (const line of broken) {
    for (const [, home, epoch, sequence] of line.matchAll(branchKey)) {
      names.add(`${home}.${Number(epoch!.slice(1))}.${Number(sequence!.slice(1))}`)
    }
    const request = /request (\d+)/.exec(line)?.[1]
    if (request !== undefined) names.add(`client ${request} `)
  }
  const always = / (CHECKER|FAULTS?|CRASHES|starts|stops|sleeps|gets|loses|warn:|error:|epoch)\b/
  const shown = lines.filter(
    (line) => always.test(line) || [...names].some((name) => line.includes(name)),
  )
  const left = shown.length - linesShown
  const cut = shown
    .slice(-linesShown)
    .map((line) => (line.length > 260 ? `${line.slice(0, 260)}…` : line))
  return left > 0 ? [`(${left} earlier lines: --timeline shows all)`, ...cut] : cut
}
