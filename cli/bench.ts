/**
 * `./till bench`: how fast the shop is, and whether it is still right afterwards. Reads the flags;
 * what is measured and how: bench/README.md. Exits with 1 when the books of any run are wrong.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { arrivalKinds } from '../bench/arrivals.ts'
import { type Campaign, type CampaignResult, runCampaign } from '../bench/campaign.ts'
import { findInconsistencies, type Inconsistencies } from '../bench/consistency.ts'
import { type EngineKind, engineKinds, startShop } from '../bench/engines-under-test.ts'
import { environment } from '../bench/environment.ts'
import { exitOnSignals } from '../bench/processes.ts'
import { costHead, costRowsOf, head, rowsOf, warnings } from '../bench/report.ts'
import { keepResult, refreshReadme } from '../bench/results.ts'
import { type Target, targetOf, withDataDirectory } from '../bench/shop-under-test.ts'
import { mixes } from '../bench/workload.ts'
import { usualExponent } from '../bench/zipf.ts'
import { variants } from '../test/variants.ts'
import { exitCodes } from './failure.ts'
import { say, sayJson, table } from './print.ts'
import { findShop } from './shop-client.ts'

const variantNames = variants.map(({ name }) => name)

const examples = `
Examples:
  ./till bench                                      2pc/order, closed loop, 64 at once
  ./till bench --variant all --mix uniform --mix hot    four variants and two mixes, side by side
  ./till bench --rate 2500 --arrivals poisson --duration 20    open loop: latency at this rate
  ./till bench --variant all --runs 5 --json        five paired runs, as JSON
  ./till bench --engines redis-kafka                every service, Redis and Kafka a process
  ./till bench --data .till                         the shop that runs there: IT IS FILLED ANEW
  ./till bench --consistency                        the public benchmark's consistency test

Without --data or --url it starts a shop of its own for every run, on data that it removes again;
settings of that shop come from the environment. Every run ends with a check of all its books (I1 to
I3 over every item, user and order); the exit code is 1 where they are wrong.`

interface Flags {
  readonly data?: string
  readonly url?: string
  readonly internalUrl?: string
  readonly variant: readonly string[]
  readonly mix: Campaign['mixes']
  readonly items: number
  readonly users: number
  readonly orders: number
  readonly concurrency?: number
  readonly rate?: number
  readonly arrivals: Campaign['load']['arrivals']
  readonly warmUp: number
  readonly duration?: number
  readonly runs: number
  readonly repeats?: true
  readonly hotItems: number
  readonly zipfExponent: number
  readonly seed: number
  readonly consistency?: true
  readonly keep?: string
  readonly engines: EngineKind
  readonly json?: true
}

export function define(command: Command): void {
  command
    .option('--data <directory>', 'measure the shop that runs on this data directory')
    .option('--url <address>', 'measure the shop at this address')
    .option('--internal-url <address>', 'where its internal routes are: a quicker check')
    .addOption(
      new Option('--engines <names>', 'what a shop that is started stands on')
        .choices(engineKinds)
        .default('embedded'),
    )
    .addOption(several('--variant <name>', 'variant to start; all of them: all', variantNames))
    .addOption(several('--mix <name>', 'which items orders want; may be repeated', mixes))
    .option('--items <number>', 'items of the shop', count, 100_000)
    .option('--users <number>', 'users of the shop', count, 100_000)
    .option('--orders <number>', 'orders of the shop: no more are checked out', count, 100_000)
    .option('--concurrency <number>', 'connections (default: 64; open loop: 1024)', count)
    .option('--rate <number>', 'open loop: requests a second', positive)
    .addOption(new Option('--arrivals <kind>', 'of an open loop').choices(arrivalKinds))
    .option('--warm-up <seconds>', 'load before anything is counted', notNegative, 3)
    .option(
      '--duration <seconds>',
      'load that is counted (default: until no order is left)',
      positive,
    )
    .option('--runs <number>', 'runs of each, in turn; medians are shown', count, 1)
    .option('--repeats', 'draw orders at random, also again, as the public stress test does')
    .option('--hot-items <number>', 'items that every order of the mix hot wants', count, 1)
    .option('--zipf-exponent <number>', 'of the mix zipf', positive, usualExponent)
    .option('--seed <number>', 'of everything drawn', count, 1)
    .option('--consistency', "the public benchmark's consistency test instead")
    .option('--keep <name>', 'keep the figures in bench/results, and its table in the README')
    .option('--json', 'figures and settings as JSON on stdout')
    .addHelpText('after', examples)
    .action(async (flags: Flags) => {
      exitOnSignals()
      const target = targetFor(flags)
      await (flags.consistency ? consistency(flags, target) : measure(flags, target))
    })
}

function targetFor({ data, url, internalUrl, variant }: Flags): Target | undefined {
  if (data !== undefined) return targetOf(findShop(data))
  if (url === undefined) return undefined
  const origin = url.replace(/\/+$/, '')
  const internalOrigin = internalUrl?.replace(/\/+$/, '')
  return {
    origin,
    internalOrigin,
    pids: [],
    variant: variant.length === 1 ? variant[0]! : 'unknown',
  }
}

const shopsFor = ({ variant }: Flags) => (variant.length === 0 ? variantNames.slice(0, 1) : variant)

async function measure(flags: Flags, target: Target | undefined): Promise<void> {
  const campaign = campaignOf(flags, target)
  const where = environment()
  const result = await runCampaign(campaign)
  const differences = result.series.flatMap(({ runs }) => runs.flatMap((run) => run.differences))
  if (flags.keep !== undefined) keep(flags.keep, campaign, where, result)
  if (flags.json) sayJson({ environment: where, settings: campaign, ...result })
  else say(paragraphs(result).join('\n'))
  if (differences.length > 0) process.exitCode = exitCodes.failed
}

const paragraphs = ({ series }: CampaignResult) => [
  table(head, rowsOf(series)),
  table(costHead, costRowsOf(series)),
  ...warnings(series),
]

/** Enough for whatever the items and users may have to give. */
const plenty = 1_000_000

function campaignOf(flags: Flags, target: Target | undefined): Campaign {
  const { items, users, orders, hotItems, zipfExponent, rate, seed, runs } = flags
  const seconds = (value: number | undefined) => (value === undefined ? undefined : value * 1_000)
  return {
    shops: target ?? shopsFor(flags),
    engines: flags.engines,
    mixes: flags.mix.length === 0 ? ['uniform'] : flags.mix,
    runs,
    workload: {
      ...{ items, users, orders, hotItems, zipfExponent, price: 1 },
      // An order takes two units at most, and costs two.
      stock: Math.max(plenty, 2 * orders),
      credit: Math.max(plenty, 2 * orders),
    },
    load: {
      concurrency: flags.concurrency ?? (rate === undefined ? 64 : 1_024),
      rate,
      arrivals: flags.arrivals ?? 'poisson',
      warmUpMs: flags.warmUp * 1_000,
      durationMs: seconds(flags.duration),
      repeats: flags.repeats === true,
      seed,
    },
  }
}

function keep(
  name: string,
  campaign: Campaign,
  where: ReturnType<typeof environment>,
  result: CampaignResult,
): void {
  const { load, workload, runs } = campaign
  const loop = load.rate === undefined ? `closed loop, ${load.concurrency} at once` : openLoop(load)
  const caption = [
    `${loop}; ${workload.orders.toLocaleString('en-US')} orders; runs: ${runs};`,
    `${where.cores} cores (${where.processor}), Node ${where.node}, commit ${where.commit}.`,
  ].join(' ')
  const rows = rowsOf(result.series)
  const details = { environment: where, settings: campaign, ...result }
  keepResult({ name, caption, head, rows, details })
  const costs = { head: costHead, rows: costRowsOf(result.series), details: {} }
  keepResult({ name: `${name}-costs`, caption: 'The same runs.', ...costs })
  refreshReadme()
}

const openLoop = ({ rate, arrivals }: Campaign['load']) =>
  `open loop, ${rate} planned a second (${arrivals})`

async function consistency(flags: Flags, target: Target | undefined): Promise<void> {
  const found: { variant: string; inconsistencies: Inconsistencies }[] = []
  for (const variant of target === undefined ? shopsFor(flags) : [target.variant]) {
    const test =
      target === undefined ? onNewShop(flags.engines, variant) : findInconsistencies(target.origin)
    found.push({ variant, inconsistencies: await test })
  }
  const rows = found.map(({ variant, inconsistencies }) => [
    variant,
    ...Object.values(inconsistencies).map(String),
  ])
  const columns = ['stock, answers', 'stock, database', 'payment, answers', 'payment, database']
  if (flags.json) sayJson(found)
  else say(`Inconsistencies:\n${table(['variant', ...columns], rows)}`)
  const all = found.flatMap(({ inconsistencies }) => Object.values(inconsistencies))
  if (all.some((each) => each !== 0)) process.exitCode = exitCodes.failed
}

const onNewShop = (engines: EngineKind, variant: string) =>
  withDataDirectory(async (data) => {
    const shop = await startShop(engines, { variant, data })
    const found = await findInconsistencies(shop.target.origin)
    await shop.stop()
    return found
  })

/** An option that may be given several times; its values must be among these, or `all`. */
function several(flag: string, help: string, choices: readonly string[]): Option {
  return new Option(flag, `${help} (${choices.join(', ')})`)
    .default([], choices[0])
    .argParser((value: string, before: readonly string[]) => {
      if (value === 'all') return [...choices]
      if (choices.includes(value)) return [...before, value]
      throw new InvalidArgumentError(`It must be one of ${choices.join(', ')}, all.`)
    })
}

const number = (isRight: (value: number) => boolean, rule: string) => (text: string) => {
  const value = Number(text)
  if (text.trim() !== '' && Number.isFinite(value) && isRight(value)) return value
  throw new InvalidArgumentError(`It must be ${rule}.`)
}
const count = number((value) => Number.isSafeInteger(value) && value >= 1, 'a whole number from 1')
const positive = number((value) => value > 0, 'a number above 0')
const notNegative = number((value) => value >= 0, 'a number from 0')
