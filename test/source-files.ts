/** The source of Till as data, for the tests that read it: files, their lines, what they import. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

const skipped = new Set(['node_modules', '.git', '.till'])

/** Paths of all files, from the root, with slashes. */
export function filesOf(folder = ''): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    if (skipped.has(entry.name)) return []
    const path = posix.join(folder, entry.name)
    if (entry.isDirectory()) return filesOf(path)
    return entry.isFile() ? [path] : []
  })
}

export interface SourceFile {
  /** From the root: `lib/storage/lmdb.ts`. */
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  /** What its import and export statements and its dynamic imports name, resolved if relative. */
  readonly imports: readonly string[]
}

const importing = /(?:\bfrom|^import|\bimport\()\s*'([^']+)'/gm

function resolved(path: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(path), specifier) : specifier
}

/** Every TypeScript file that belongs to Till. */
export const sources: readonly SourceFile[] = filesOf()
  .filter((path) => path.endsWith('.ts'))
  .map((path) => {
    const text = readFileSync(join(root, path), 'utf8')
    const imports = Array.from(text.matchAll(importing), (match) => resolved(path, match[1]!))
    return { path, text, lines: text.split('\n'), imports }
  })

export const isTest = ({ path }: SourceFile) => path.endsWith('.test.ts')

/** Every place where `pattern`, which must be global, is found, as path:line. */
export function placesOf(pattern: RegExp, files: readonly SourceFile[] = sources): string[] {
  return files.flatMap(({ path, text }) =>
    Array.from(text.matchAll(pattern), ({ index, 0: found }) => {
      const line = text.slice(0, index).split('\n').length
      return `${path}:${line}: ${found}`
    }),
  )
}
