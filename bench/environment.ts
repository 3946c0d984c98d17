/**
 * What figures depend on and a reader must know: processor, system, commit, and the disk's fsync.
 */
import { execFileSync } from 'node:child_process'
import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import type { Clock } from '../lib/runtime/clock.ts'

export interface Environment {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  readonly node: string
  /** Of the work tree; ends in `+changes` where it is not what was committed. */
  readonly commit: string
}

export function environment(): Environment {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${process.arch}`,
    node: process.version,
    commit: commit(),
  }
}

function commit(): string {
  const git = (...words: string[]) =>
    execFileSync('git', words, {
      cwd: import.meta.dirname,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim()
  try {
    const changes = git('status', '--porcelain', '--untracked-files=no')
    return git('rev-parse', '--short=12', 'HEAD') + (changes === '' ? '' : '+changes')
  } catch {
    return 'unknown'
  }
}

const probes = 50
const probeBytes = 4_096

/** Median time of writing 4 KB and flushing it to the disk under this directory. */
export function probeFsync(directory: string, clock: Clock): number {
  const path = join(directory, 'fsync-probe')
  const file = openSync(path, 'w')
  const block = Buffer.alloc(probeBytes, 1)
  const times: number[] = []
  for (let index = 0; index < probes; index++) {
    const from = clock.now()
    writeSync(file, block, 0, probeBytes, index * probeBytes)
    fdatasyncSync(file)
    times.push(clock.now() - from)
  }
  closeSync(file)
  rmSync(path)
  return times.sort((a, b) => a - b)[probes >> 1]!
}
