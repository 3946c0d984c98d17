/**
 * Programs that stand in for the engines, for tests of how a shop of processes is started: by
 * default they say that they are there, and when they are run do nothing, for ever.
 */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inheritableEnvironment } from '../../lib/runtime/config.ts'
import { processStart } from '../../lib/runtime/process-identity.ts'
import { kafkaVersion } from './kafka-install.ts'

// `env` too: its words, passwords among them, could be read by anyone, so nobody may need it.
const programs = ['redis-server', 'nginx', 'openssl', 'java', 'mvn', 'env'] as const
type Program = (typeof programs)[number]

export interface StandIns {
  /** Not there yet: a shop's data. */
  readonly data: string
  /** Settings that put them in the engines' places (cli/real-till.ts). */
  readonly settings: readonly string[]
  /** Of all that were run, in any place. */
  pids(program: Program): readonly number[]
  /** Those of them that have not ended. */
  alive(program?: Program): readonly number[]
}

/** `scripts`: what some of them do instead, in shell; `$0` and `$@` are what they were run as. */
export async function withStandIns(
  scripts: Partial<Record<Program, string>>,
  work: (standIns: StandIns) => Promise<void>,
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'till-stand-ins-'))
  const pidsOf = (program: Program) => join(directory, `${program}.pids`)
  const cache = join(directory, 'cache')
  const jars = join(cache, 'till', `kafka-${kafkaVersion}`, 'libs')
  mkdirSync(jars, { recursive: true })
  writeFileSync(join(jars, `kafka_2.13-${kafkaVersion}.jar`), '')
  for (const program of programs) {
    const path = join(directory, program)
    const isAsked = 'case "$1" in -v|-version|--version|version) exit 0;; esac'
    const script = scripts[program] ?? 'exec sleep 1000'
    writeFileSync(path, `#!/bin/sh\n${isAsked}\necho $$ >>'${pidsOf(program)}'\n${script}\n`)
    chmodSync(path, 0o755)
  }
  const pids = (program: Program) =>
    existsSync(pidsOf(program))
      ? readFileSync(pidsOf(program), 'utf8').trim().split('\n').map(Number)
      : []
  const isAlive = (pid: number) => processStart(pid) !== undefined
  const alive = (program?: Program) =>
    (program === undefined ? programs : [program]).flatMap(pids).filter(isAlive)
  const settings = [`PATH=${directory}:${inheritableEnvironment().PATH}`, `XDG_CACHE_HOME=${cache}`]
  try {
    await work({ data: join(directory, 'shop'), settings, pids, alive })
  } finally {
    for (const pid of alive()) process.kill(pid, 'SIGKILL')
    rmSync(directory, { recursive: true })
  }
}
