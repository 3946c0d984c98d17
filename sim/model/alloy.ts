/**
 * Runs Alloy 6 (Java 17 or newer; its jar comes from Maven and is kept in ~/.cache/till) on a
 * model: one command of one file, in a folder of its own. Promise: an answer is the solver's;
 * anything else is an error.
 */
import { execFile, spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { systemClock } from '../../lib/runtime/clock.ts'

const version = '6.2.0'
const cache = join(homedir(), '.cache', 'till', 'alloy')
const jar = join(cache, `org.alloytools.alloy.dist-${version}.jar`)
const folder = import.meta.dirname
const run = promisify(execFile)
const longestMs = 600_000
/** What the solver prints of itself. */
const mostOutput = 64 * 1_048_576

/** Fetches the jar if it is not there; a sentence that says what is missing, or undefined. */
export function missing(): string | undefined {
  if (spawnSync('java', ['-version']).status !== 0) {
    return 'Java is not there: apt-get install openjdk-17-jre-headless'
  }
  if (existsSync(jar)) return undefined
  mkdirSync(cache, { recursive: true })
  const copied = spawnSync('mvn', [
    '-q',
    'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy',
    `-Dartifact=org.alloytools:org.alloytools.alloy.dist:${version}`,
    `-DoutputDirectory=${cache}`,
  ])
  if (copied.status === 0 && existsSync(jar)) return undefined
  return 'Alloy could not be fetched, it needs Maven once: apt-get install maven'
}

/** A change of one place of the model's text. */
export interface Change {
  readonly file: string
  readonly find: string
  readonly replace: string
}

export interface Question {
  /** Name of the .als file, without its ending. */
  readonly model: string
  /** The command to run, as it stands at the end of the file or in `commands`. */
  readonly command: string
  readonly changes?: readonly Change[]
  /** Text added at the end of the model. */
  readonly commands?: string
}

export interface Found {
  /** The steps of an instance, or of a counter-example, as Alloy prints them; undefined: none. */
  readonly trace: string | undefined
  readonly ms: number
}

/** Native where there is one for this machine; the other is a program of Java itself. */
const solver = process.platform === 'linux' && process.arch === 'x64' ? 'glucose' : 'sat4j'

export async function ask({
  model,
  command,
  changes = [],
  commands = '',
}: Question): Promise<Found> {
  const place = mkdtempSync(join(tmpdir(), 'till-model-'))
  try {
    for (const file of ['participant.als', `${model}.als`]) {
      cpSync(join(folder, file), join(place, file))
    }
    for (const change of changes) apply(place, change)
    const file = join(place, `${model}.als`)
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n${commands}\n`)
    return await solve(place, file, command)
  } finally {
    rmSync(place, { recursive: true, force: true })
  }
}

function apply(place: string, { file, find, replace }: Change): void {
  const path = join(place, file)
  const source = readFileSync(path, 'utf8')
  if (source.split(find).length !== 2) throw new Error(`${file} does not hold once: ${find}`)
  writeFileSync(
    path,
    source.replace(find, () => replace),
  )
}

async function solve(place: string, file: string, command: string): Promise<Found> {
  const startedAt = systemClock.now()
  const out = join(place, 'out')
  // Short runs: a better compiler would cost more than it saves.
  const words = [
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    // It leaves empty files there.
    `-Djava.io.tmpdir=${place}`,
    '-jar',
    jar,
    'exec',
    '-s',
    solver,
    '-c',
    command,
  ]
  const { stdout, stderr } = await run('java', [...words, '-t', 'text', '-o', out, '-f', file], {
    timeout: longestMs,
    maxBuffer: mostOutput,
  })
  const told = `${stdout}\n${stderr}`
  const isAnswered = /\b(UN)?SAT\b/.test(told)
  if (!isAnswered) throw new Error(`Alloy did not answer ${command}: ${told.slice(-2_000)}`)
  const solution = join(out, `${command}-solution-0.txt`)
  const trace = existsSync(solution) ? readFileSync(solution, 'utf8') : undefined
  if (/\bUNSAT\b/.test(told) !== (trace === undefined)) throw new Error(`Alloy is unclear: ${told}`)
  return { trace, ms: Math.round(systemClock.now() - startedAt) }
}
