/**
 * `./till sim`: the shipped services in a simulated world, seed after seed (sim/README.md). Exits
 * with 1 when an invariant was broken or when something that should be reached never was.
 */
import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { type Command, Option } from 'commander'
import { systemClock } from '../lib/runtime/clock.ts'
import type { CampaignResult } from '../sim/campaign.ts'
import { openThreads, runInThreads } from '../sim/campaigns/in-threads.ts'
import { type Variant, variants } from '../sim/draw.ts'
import { runHistory } from '../sim/history.ts'
import { drawOf, type Kind, kinds } from '../sim/kinds.ts'
import { type Hunt, huntAll } from '../sim/mutants/campaign.ts'
import { tellStory } from '../sim/story.ts'
import { exitCodes } from './failure.ts'
import { duration, say, sayJson, table } from './print.ts'
import { openProgress } from './progress.ts'
import { runMatrix, walkScopes } from './sim-small.ts'
import { atLeastOne, whole } from './whole-number.ts'

const examples = `
Examples:
  ./till sim                                    500 histories of each variant
  ./till sim --variant saga/order --seeds 5000
  ./till sim --minutes 10                       each variant for a quarter of them
  ./till sim --variant 2pc/order --seed 42      one history, told if it fails
  ./till sim --variant 2pc/order --seed 42 --timeline
  ./till sim --kind rollout                     another variant is deployed meanwhile
  ./till sim --mutants --seeds 1000             known bugs put back in: each must be caught
  ./till sim --matrix --seeds 5                 every point of the protocols with every fault there
  ./till sim --matrix --cell P3/crash-stock/2pc-order/alone --seed 1      one history, told
  ./till sim --exhaustive                       every interleaving of small shops

The same seed of a variant is the same history, byte for byte, at the same commit.`

/** Histories, where nobody says how many. */
const variantSeeds = 500
const cellSeeds = 5

interface Flags {
  readonly variant: Variant | 'all'
  readonly seed?: number
  readonly seeds?: number
  readonly minutes?: number
  readonly first: number
  readonly timeline?: true
  readonly kind: Kind
  readonly mutants?: true
  readonly matrix?: true
  readonly cell?: string
  readonly write?: true
  readonly exhaustive?: true
  readonly starts: number
  readonly workers: number
  readonly json?: true
}

export function define(command: Command): void {
  command
    .addOption(
      new Option('--variant <variant>', 'protocol/coordination, or all of them')
        .choices([...variants, 'all'])
        .default('all'),
    )
    .option('--seed <number>', 'this history only; told in full where it fails', whole)
    .option('--seeds <number>', 'histories of each variant (500) or cell (5)', whole)
    .option('--first <number>', 'the first seed', whole, 1)
    .option('--minutes <number>', 'go on for this long instead', whole)
    .option('--timeline', 'with --seed: every line of it')
    .addOption(
      new Option(
        '--kind <kind>',
        'rollout: another variant is deployed; crowds: databases are full; ' +
          'overtaken: owners that have lost their partitions and do not know it',
      )
        .choices(kinds)
        .default('plain'),
    )
    .option('--mutants', 'hunt the known bugs instead')
    .option('--matrix', 'each fault at each point of the protocols instead (docs/MATRIX.md)')
    .option('--cell <cell>', 'with --matrix: this cell only, or all whose names begin so')
    .option('--write', 'with --matrix: docs/MATRIX.md is made anew')
    .option('--exhaustive', 'walk every state of small shops instead')
    .option('--starts <number>', 'with --mutants: how often each is hunted, for a median', whole, 1)
    .addOption(
      new Option('--workers <number>', 'histories at once')
        .argParser(atLeastOne)
        .default(availableParallelism(), 'one for each CPU'),
    )
    .option('--json', 'the result as JSON on stdout')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      if (flags.mutants) {
        if (!(await hunt(flags))) process.exitCode = exitCodes.failed
        return
      }
      const chosen = flags.variant === 'all' ? variants : [flags.variant]
      const isGood = await runChosen(chosen, flags)
      if (!isGood) process.exitCode = exitCodes.failed
    })
}

async function runChosen(chosen: readonly Variant[], flags: Flags): Promise<boolean> {
  if (flags.exhaustive) return walkScopes(chosen, flags.json === true)
  if (flags.matrix) return await runMatrix(chosen, { ...flags, seeds: flags.seeds ?? cellSeeds })
  if (flags.seed === undefined) return await campaign(chosen, flags)
  return await one(chosen, flags.seed, flags)
}

async function one(chosen: readonly Variant[], seed: number, flags: Flags): Promise<boolean> {
  let isGood = true
  for (const variant of chosen) {
    const history = await runHistory(drawOf[flags.kind](variant, seed), true)
    const { violations, timeline, events } = history
    if (violations.length > 0) {
      isGood = false
      say((await tellStory(history, commit(), flags.timeline === true)).text)
    } else {
      if (flags.timeline) say(timeline.lines.join('\n'))
      say(`seed ${seed} of ${variant}: nothing is broken; ${events} events, ${timeline.digest()}`)
    }
  }
  return isGood
}

async function hunt({ seeds = variantSeeds, starts, workers, json }: Flags): Promise<boolean> {
  const onHunt = ({ mutant, medianHistories }: Hunt) => {
    process.stderr.write(`${mutant.name}: ${medianHistories ?? 'SURVIVED'}\n`)
  }
  const hunts = await huntAll({ seeds, starts, workers, onHunt })
  const rows = hunts.map(({ mutant, kills, medianHistories }) => {
    const { invariant = '', variant = '', seed = '' } = kills[0] ?? {}
    const median = String(medianHistories ?? 'survived')
    const first = `${mutant.kind ?? ''} ${variant} ${seed}`.trim()
    return [mutant.name, median, invariant, first, mutant.models]
  })
  if (json) sayJson(hunts)
  else say(table(['mutant', 'histories to kill', 'broke', 'first seed', 'what it does'], rows))
  return hunts.every(({ medianHistories }) => medianHistories !== undefined)
}

async function campaign(chosen: readonly Variant[], flags: Flags): Promise<boolean> {
  const { minutes, seeds = variantSeeds } = flags
  const most = minutes === undefined ? seeds : Infinity
  const results: (CampaignResult & { readonly ms: number })[] = []
  const limitMs = minutes === undefined ? Infinity : (minutes * 60_000) / chosen.length
  const progress = openProgress(minutes === undefined ? chosen.length * seeds : 0)
  const threads = openThreads(flags.workers)
  try {
    for (const variant of chosen) {
      const startedAt = systemClock.now()
      const isOver = () => systemClock.now() - startedAt >= limitMs
      progress.begin(variant)
      const result = await runInThreads(variant, threads, {
        kind: flags.kind,
        firstSeed: flags.first,
        left: (handedOut) => (isOver() ? 0 : most - handedOut),
        onDone: progress.advance,
      })
      progress.done(variant, result.histories)
      results.push({ ...result, ms: Math.round(systemClock.now() - startedAt) })
    }
  } finally {
    await threads.close()
    progress.end()
  }
  if (flags.json) sayJson({ commit: commit(), kind: flags.kind, results: results.map(forMachines) })
  else await forPeople(results, flags.kind)
  return results.every(({ failures, neverReached }) => failures.length + neverReached.length === 0)
}

const forMachines = ({ coverage, ...result }: CampaignResult & { readonly ms: number }) => ({
  ...result,
  coverage: Object.fromEntries([...coverage.counts].sort()),
})

async function forPeople(
  results: readonly (CampaignResult & { readonly ms: number })[],
  kind: Kind,
): Promise<void> {
  const rows = results.map(({ variant, histories, checkouts, failures, ms, longestDrainMs }) => [
    variant,
    String(histories),
    String(checkouts),
    String(failures.length),
    duration(longestDrainMs),
    `${Math.round((histories * 1_000) / ms)}/s`,
  ])
  say(table(['variant', 'histories', 'checkouts', 'failed', 'longest drain', 'speed'], rows))
  for (const { variant, neverReached } of results) {
    if (neverReached.length > 0) say(`${variant} never reached: ${neverReached.join('; ')}`)
  }
  const [failure] = results.flatMap(({ failures }) => failures)
  for (const { variant, failures } of results) {
    for (const { seed, texts } of failures) say(`${variant} seed ${seed}: ${texts[0]}`)
  }
  if (failure === undefined) return
  const failed = await runHistory(drawOf[kind](failure.variant, failure.seed))
  if (failed.violations.length > 0) say(`\n${(await tellStory(failed, commit(), false)).text}`)
}

function commit(): string {
  const { stdout } = spawnSync('git', ['describe', '--always', '--dirty'], { encoding: 'utf8' })
  return stdout?.trim() || 'unknown'
}
