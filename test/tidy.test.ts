/**
 * The house rules that can be read off the source: sizes, names, words, heads of files, dead files.
 * After TigerBeetle's tidy test. Layout is biome's, so functions can be measured by indentation.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import { test } from 'node:test'
import { filesOf, isTest, placesOf, root, type SourceFile, sources } from './source-files.ts'

const longestLine = 100
const longestFunction = 70
const linesOfSource = 300
const linesOfTest = 600

/** Tests, and the suites that several of them run. */
const isProof = (file: SourceFile) =>
  isTest(file) || file.path.startsWith('test/') || file.path.endsWith('/conformance.ts')

/** This file names what it bans. */
const others = sources.filter(({ path }) => path !== 'test/tidy.test.ts')

test(`source files have at most ${linesOfSource} lines, tests ${linesOfTest}`, () => {
  const long = sources.filter(
    (file) => file.lines.length - 1 > (isProof(file) ? linesOfTest : linesOfSource),
  )
  assert.deepEqual(
    long.map(({ path, lines }) => `${path}: ${lines.length - 1}`),
    [],
  )
})

test(`lines have at most ${longestLine} columns`, () => {
  const long = sources.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) => {
      const columns = [...line].length
      return columns > longestLine ? [`${path}:${index + 1}: ${columns}`] : []
    }),
  )
  assert.deepEqual(long, [])
})

/** The first line of something with a body of its own; loops, branches and objects have none. */
const statement = /^\s*(?:(?:\} else )?if|for|while|switch|do|try|\} catch|\} finally)\b/
const opening = /(?:=>|\)|\): .+|\bfunction\b.*) \{$/
const opens = (line: string) => opening.test(line) && !statement.test(line)

/** Functions that are tables, not code: one that returns routes, one that registers tests. */
const isTable = (body: readonly string[]) =>
  /^\s*return \[$/.test(body[0] ?? '') || body.some((line) => /^\s*(test|it)\(/.test(line))

/** The functions of a file that are longer than `longest`, as path:line: length. */
function longFunctions({ path, lines }: SourceFile, longest: number): string[] {
  return lines.flatMap((line, start) => {
    if (!opens(line)) return []
    const indent = /^\s*/.exec(line)![0]
    const rest = lines.slice(start + 1)
    const length = rest.findIndex((each) => each.startsWith(`${indent}}`))
    if (length <= longest || isTable(rest.slice(0, length))) return []
    return [`${path}:${start + 1}: ${length}`]
  })
}

test(`functions have at most ${longestFunction} lines`, () => {
  assert.deepEqual(
    sources.flatMap((file) => longFunctions(file, longestFunction)),
    [],
  )
})

test('long functions are found', () => {
  const body = Array.from({ length: 3 }, () => '  work()')
  for (const first of ['function f(): void {', 'const f = async (a) => {', '  f(a: B): C<D> {']) {
    const indent = /^\s*/.exec(first)![0]
    const lines = [first, ...body.map((line) => indent + line), `${indent}}`]
    const file = { path: 'f.ts', text: '', imports: [], lines }
    assert.deepEqual(longFunctions(file, 2), ['f.ts:1: 3'], first)
    assert.deepEqual(longFunctions(file, 3), [], first)
  }
  const loop = ['  for (const a of b) {', ...body, '  }']
  assert.deepEqual(longFunctions({ path: 'f.ts', text: '', imports: [], lines: loop }, 2), [])
})

test('every source file begins by saying what it is', () => {
  // A test beside its source is about that source; its head would only repeat the name.
  const headed = sources.filter((file) => !isTest(file) || file.path.startsWith('test/'))
  const headless = headed.filter(({ text }) => !/^(#!.*\n)?\/\*\*/.test(text))
  assert.deepEqual(
    headless.map(({ path }) => path),
    [],
  )
})

test('names of files and folders are kebab-case', () => {
  const wrong = sources.filter(({ path }) =>
    path.split('/').some((part) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?(\.ts)?$/.test(part)),
  )
  assert.deepEqual(
    wrong.map(({ path }) => path),
    [],
  )
})

/** Words that say too little or say something else here, and what to write. */
const banned: readonly (readonly [RegExp, string])[] = [
  [/\b(TODO|FIXME|XXX|HACK)\b/g, 'an issue'],
  [/\breserv(e|es|ed|ation|ations)\b/gi, 'hold'],
  [/\broll(s|ed|ing)?[ -]?back\b/gi, 'abort (two-phase commit) or compensate (saga)'],
  [/\b(whitelist|blacklist)/gi, 'allowed, refused'],
  [/\bmicro-?service\b(?!s)/gi, 'service'],
]

/** Names of files that say nothing of what is in them. */
const vague = /\b(utils?|common|helpers?|misc|shared|types|constants|manager|handlers?|base|core)\b/

test('no banned words', () => {
  const found = banned.flatMap(([word, instead]) =>
    placesOf(word, others).map((place) => `${place}; write ${instead}`),
  )
  assert.deepEqual(found, [])
})

test('no file or folder has a vague name', () => {
  const found = sources.filter(({ path }) => vague.test(path)).map(({ path }) => path)
  assert.deepEqual(found, [])
})

test('no host of a package registry is named, also not by the lock file', () => {
  const lockfile = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const texts = [...others, { path: 'package-lock.json', text: lockfile, imports: [], lines: [] }]
  assert.deepEqual(placesOf(/\bhttps?:\/\/[^\s/"']*(registry|npm)[^\s"']*/gi, texts), [])
})

/**
 * Files that something other than an import starts: named by a script, a file beside, or itself.
 */
function entryPoints(): Set<string> {
  const scripts = filesOf().filter((path) => /(^|\/)[^.]+$|\.(json|ya?ml|sh|md|mjs)$/.test(path))
  const text = scripts.map((path) => readFileSync(join(root, path), 'utf8')).join('\n')
  const beside = sources.flatMap(({ path, text }) =>
    Array.from(text.matchAll(/'([./a-z0-9-]+\.ts)'/g), (match) =>
      posix.join(posix.dirname(path), match[1]!),
    ),
  )
  const named = sources.filter((file) => {
    const head = file.text.slice(0, file.text.indexOf('*/'))
    return text.includes(file.path) || new RegExp(`node ${file.path}\\b`).test(head)
  })
  return new Set([...named.map(({ path }) => path), ...beside])
}

test('every file is used: imported, started, or a test', () => {
  const used = new Set([...sources.flatMap(({ imports }) => imports), ...entryPoints()])
  const isMain = ({ path }: SourceFile) => path.endsWith('/main.ts')
  const dead = sources.filter((file) => !used.has(file.path) && !isTest(file) && !isMain(file))
  assert.deepEqual(
    dead.map(({ path }) => path),
    [],
  )
})
