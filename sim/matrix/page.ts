/**
 * docs/MATRIX.md: the verdict of every cell, made from what a run found; nobody types one. The
 * shape of its tables is that of the list of cells, which matrix.test.ts holds it to.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { type Variant, variants } from '../draw.ts'
import { cells, faultsOf, pointsOf } from './cells.ts'
import type { CellResult, Verdict } from './run.ts'
import { shopNames, tellShop } from './shops.ts'

const file = new URL('../../docs/MATRIX.md', import.meta.url)

const letters: Readonly<Record<Verdict, string>> = {
  held: '✓',
  broken: '✗',
  'never hit': '?',
  impossible: '–',
}

/** The letters of a row's cells, and the numbers of the reasons why some cannot be. */
function tableOf(variant: Variant, results: ReadonlyMap<string, CellResult>): string {
  const faults = faultsOf(variant)
  const reasons = reasonsOf(variant)
  const rows = pointsOf(variant).map((point) => {
    const marks = faults.map((fault) => {
      const ids = shopNames.map((shop) =>
        [point.name, fault, variant.replace('/', '-'), shop].join('/'),
      )
      const found = ids.map((id) => results.get(id)!)
      const reason = found[0]!.cell.impossible
      if (reason !== undefined) return `–${reasons.indexOf(reason) + 1}`
      return found.map(({ verdict }) => letters[verdict]).join('')
    })
    return `| ${[`**${point.name}** ${point.text}`, ...marks].join(' | ')} |`
  })
  const head = [`| point | ${faults.join(' | ')} |`, `| --- |${' --- |'.repeat(faults.length)}`]
  const notes = reasons.map((reason, index) => `- –${index + 1}: ${reason}.`)
  return [`## ${variant}`, '', ...head, ...rows, '', ...notes].join('\n').trimEnd()
}

/** Why cells of a variant are impossible, each once. */
function reasonsOf(variant: Variant): string[] {
  const own = cells.filter((cell) => cell.variant === variant)
  return [...new Set(own.flatMap(({ impossible }) => impossible ?? []))]
}

const count = (results: readonly CellResult[], verdict: Verdict) =>
  results.filter((each) => each.verdict === verdict).length

/** The page of a run of every cell. */
export function pageOf(results: readonly CellResult[], seeds: number): string {
  const byId = new Map(results.map((result) => [result.cell.id, result]))
  const hits = results.reduce((sum, each) => sum + each.hits, 0)
  const shops = shopNames.map((shop, index) => `${index + 1}. *${shop}*: ${tellShop[shop]}`)
  const broken = results.flatMap(({ cell, broken: texts }) =>
    texts.length === 0 ? [] : [`- ${cell.id}: ${texts[0]}`],
  )
  return [
    '# The matrix of points and faults',
    '',
    'One thing goes wrong, exactly once, exactly there: for each point of the protocols, each',
    'fault, each variant and each of four shops. Then everything must end by itself, and every',
    'invariant of [PROOF.md](PROOF.md) is checked, as in any history of the simulator. Made by',
    `\`./till sim --matrix --seeds ${seeds} --write\`; one cell again:`,
    '`./till sim --matrix --cell P3/crash-stock/2pc-order`.',
    '',
    `${results.length} cells; ${seeds} histories of each in which its fault did happen there,`,
    `${hits} in all: **${count(results, 'held')} held, ${count(results, 'broken')} broken, ` +
      `${count(results, 'never hit')} never hit, ${count(results, 'impossible')} impossible** ` +
      '(with the reason below each table).',
    '',
    'The marks of a cell are its shops, in this order:',
    '',
    ...shops,
    '',
    'Marks: ✓ held, ✗ an invariant broke, ? the fault could not be brought about, – there is no',
    'such thing. *crash-X*: the instance of X that acts for the transaction dies at the point and',
    'starts again after 20 to 700 ms. *loss*, *duplicate*, *delay*: of the message that is on its',
    'way at the point; the delay is longer than the deadline of the checkout. *storage-before*,',
    '*storage-after*: the write of the point is answered with an error, without its effect or with',
    'it.',
    '',
    ...(broken.length === 0 ? [] : ['## Broken', '', ...broken, '']),
    ...variants.flatMap((variant) => [tableOf(variant, byId), '']),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

export function writePage(results: readonly CellResult[], seeds: number): void {
  writeFileSync(file, pageOf(results, seeds))
}

export const readPage = (): string => readFileSync(file, 'utf8')
