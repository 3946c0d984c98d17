/**
 * The settings that a deployed Redis would start with, by running the very script that starts it
 * with programs in the place of Redis that only say what they are given.
 */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'

/** `cat` reads settings from its standard input where it is given `-`, as Redis does. */
const servers = { 'redis-server': 'exec cat "$@"', 'redis-cli': 'exit 1' }

/** Each setting once, the last one given: `name` to the rest of its line. */
export function settingsOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\n').filter((line) => /^[a-z]/.test(line))
  return new Map(
    lines.map((line) => {
      const end = line.indexOf(' ')
      return [line.slice(0, end), line.slice(end + 1)]
    }),
  )
}

/**
 * `words` are what sh is called with; `environment` is all that the script finds, and `files` in
 * /etc/redis; it may write to /run/redis.
 */
export function startedWith(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  files: Readonly<Record<string, string>> = {},
): ReadonlyMap<string, string> {
  const folder = mkdtempSync(join(tmpdir(), 'till-redis-'))
  try {
    for (const [name, line] of Object.entries(servers)) {
      writeFileSync(join(folder, name), `#!/bin/sh\n${line}\n`)
      chmodSync(join(folder, name), 0o755)
    }
    for (const place of ['etc', 'run']) mkdirSync(join(folder, place))
    for (const [name, text] of Object.entries(files)) {
      writeFileSync(join(folder, 'etc', name), text)
    }
    const here = words.map((word) => word.replaceAll(/\/(etc|run)\/redis\//g, `${folder}/$1/`))
    const env = { ...environment, PATH: [folder, '/usr/bin', '/bin'].join(delimiter) }
    return settingsOf(execFileSync('sh', here, { env, encoding: 'utf8' }))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** MB of a number and a unit, as Redis, Compose and Kubernetes write them. */
export function megabytes(text: string): number {
  const [, number, unit] = /^(\d+)([mg])(?:b|i)?$/i.exec(text) ?? []
  if (unit === undefined) throw new Error(`${text}: megabytes do not understand this`)
  return Number(number) * (unit.toLowerCase() === 'g' ? 1_024 : 1)
}

/** A log that is rewritten is there twice, and grows to twice its size before it is. */
export function diskFaults(
  name: string,
  settings: ReadonlyMap<string, string>,
  storage: string,
): string[] {
  const least = 3 * megabytes(settings.get('maxmemory') ?? '0m')
  return megabytes(storage) >= least ? [] : [`${name}: its log may need ${least} MB of ${storage}`]
}

/**
 * What is wrong with `maxmemory` under this limit, in sentences. Without one the kernel ends a full
 * Redis; a child that rewrites the log may need almost as much again.
 */
export function memoryFaults(
  name: string,
  settings: ReadonlyMap<string, string>,
  limit: string,
): string[] {
  const maxmemory = settings.get('maxmemory')
  if (maxmemory === undefined) return [`${name}: no maxmemory`]
  if (settings.get('maxmemory-policy') !== 'noeviction') return [`${name}: forgets when it is full`]
  const share = megabytes(maxmemory) / megabytes(limit)
  return share > 0.5 && share < 0.65 ? [] : [`${name}: maxmemory ${maxmemory} of ${limit}`]
}
