/**
 * Figures that are kept: results/<name>.json, and a table made from it between two markers in
 * README.md. Nobody types a figure: `node bench/results.ts` makes all tables anew.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** What a results file holds. */
export interface Result {
  readonly name: string
  /** One sentence above the table: what was measured, where. */
  readonly caption: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
  /** All that the table is made of: settings, machine, figures of every run. */
  readonly details: object
}

const here = import.meta.dirname
const folder = join(here, 'results')
const readme = join(here, 'README.md')

const begin = (name: string) => `<!-- results: ${name} -->`
const end = '<!-- end of results -->'

/** Replaces what stands between the markers of `name`; throws where there are none. */
export function withTable(page: string, { name, caption, head, rows }: Result): string {
  const from = page.indexOf(begin(name))
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place for results: ${begin(name)}`)
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  const table = [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
  const before = page.slice(0, from + begin(name).length)
  return `${before}\n${caption}\n\n${table}\n${page.slice(to)}`
}

/** Writes the file; the tables of README.md are made from it by `refreshReadme`. */
export function keepResult(result: Result): void {
  writeFileSync(join(folder, `${result.name}.json`), `${JSON.stringify(result, null, 2)}\n`)
}

/** Makes every table of README.md anew from the files. */
export function refreshReadme(): void {
  const files = readdirSync(folder).filter((file) => basename(file).endsWith('.json'))
  const results = files.map((file) => JSON.parse(readFileSync(join(folder, file), 'utf8')))
  const page = results.reduce(withTable, readFileSync(readme, 'utf8'))
  writeFileSync(readme, page)
}

if (import.meta.main) refreshReadme()
