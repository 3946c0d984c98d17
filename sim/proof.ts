/**
 * Makes the tables of docs/PROOF.md from what campaigns print; nobody types a figure:
 *
 *   ./till sim --seeds 20000 --json > a.json
 *   ./till sim --kind rollout --seeds 20000 --json > b.json
 *   ./till sim --mutants --seeds 1000 --starts 3 --json > c.json
 *   node_modules/.bin/node sim/proof.ts a.json b.json c.json
 *
 * Several files of campaigns make one table; what was reached is told of the plain ones.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { withTable } from '../bench/results.ts'
import type { CampaignResult } from './campaign.ts'
import type { Kind } from './kinds.ts'
import type { Hunt } from './mutants/campaign.ts'

type Told = Omit<CampaignResult, 'coverage'> & {
  readonly ms: number
  readonly coverage: Readonly<Record<string, number>>
}
interface Campaign {
  readonly commit: string
  readonly kind: Kind
  readonly results: readonly Told[]
}

const page = new URL('../docs/PROOF.md', import.meta.url)

const campaignTable = (campaigns: readonly Campaign[], commits: string) => ({
  name: 'campaign',
  caption: `Histories of ${commits}.`,
  head: [
    ...['kind', 'variant', 'histories', 'checkouts', 'events'],
    ...['failed', 'never reached', 'longest drain'],
  ],
  rows: campaigns.flatMap(({ kind, results }) =>
    results.map((told) => [
      ...[kind, told.variant],
      ...[told.histories, told.checkouts, told.events].map(String),
      ...[told.failures.length, told.neverReached.length].map(String),
      `${Math.round(told.longestDrainMs)} ms`,
    ]),
  ),
  details: {},
})

const coverageTable = (results: readonly Told[], commit: string) => {
  const names = [...new Set(results.flatMap(({ coverage }) => Object.keys(coverage)))].sort()
  return {
    name: 'coverage',
    caption: `How often each fault, state, transition, message and answer was reached (${commit}).`,
    head: ['reached', ...results.map(({ variant }) => variant)],
    rows: names.map((name) => [
      name.trim(),
      ...results.map(({ coverage }) => String(coverage[name] ?? '-')),
    ]),
    details: {},
  }
}

const mutantTable = (hunts: readonly Hunt[]) => ({
  name: 'mutants',
  caption:
    `${hunts.length} mutants; medians of ${Math.max(...hunts.map(({ kills }) => kills.length))} ` +
    `hunts; ${hunts.filter((each) => each.medianHistories === undefined).length} survive.`,
  head: ['mutant', 'histories to kill', 'broke', 'what it does'],
  rows: hunts.map(({ mutant, kills, medianHistories }) => [
    mutant.name,
    String(medianHistories ?? 'survived'),
    kills[0]?.invariant ?? '',
    mutant.models,
  ]),
  details: {},
})

const told = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const hunts = told.find((each): each is Hunt[] => Array.isArray(each))
const campaigns = told.filter((each): each is Campaign => !Array.isArray(each))
const plain = campaigns.filter(({ kind }) => kind === 'plain')
const commitsOf = (some: readonly Campaign[]) =>
  [...new Set(some.map(({ commit }) => commit))].join(', ')
const reached = plain.flatMap((campaign) => campaign.results)
const tables = [
  ...(campaigns.length > 0 ? [campaignTable(campaigns, commitsOf(campaigns))] : []),
  ...(plain.length > 0 ? [coverageTable(reached, commitsOf(plain))] : []),
  ...(hunts === undefined ? [] : [mutantTable(hunts)]),
]
writeFileSync(page, tables.reduce(withTable, readFileSync(page, 'utf8')))
