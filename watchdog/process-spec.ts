/**
 * A process of the shop as data: how it is started, where it writes, how it is asked whether it is
 * well. A topology is a list of them, in `topology.json`, written by the launcher and read by the
 * watchers. Next: processes.ts (starts and stops them), probe.ts (asks them).
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { ShopError } from '../lib/runtime/errors.ts'

const port = z.int().min(1).max(65_535)

const probeSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('http'), url: z.url(), status: z.int() }),
  z.object({
    kind: z.literal('redis'),
    port,
    host: z.string().optional(),
    username: z.string().optional(),
    password: z.string().optional(),
  }),
  z.object({ kind: z.literal('kafka'), port, host: z.string().optional() }),
  /** A stopped process still accepts connections: only for what has no question to answer. */
  z.object({ kind: z.literal('tcp'), port, host: z.string().optional() }),
  z.object({ kind: z.literal('none') }),
])

/** How a process is asked to end, and for how long it may take before it is killed. */
const stopSchema = z.object({
  signal: z.enum(['SIGTERM', 'SIGQUIT']),
  withinMs: z.int().min(0),
})

export const kinds = ['service', 'database', 'broker', 'gateway', 'watchdog', 'link'] as const

const specSchema = z.object({
  /** Of [a-z0-9-]: it is part of file names. */
  name: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  kind: z.enum(kinds),
  command: z.array(z.string()).min(1),
  /** Beside what is inherited (processes.ts says what). */
  env: z.record(z.string(), z.string()),
  cwd: z.string(),
  logPath: z.string(),
  probe: probeSchema,
  /** Undefined: as the launcher stops what says nothing (cli/engines/launch.ts). */
  stop: stopSchema.optional(),
})

export type StopSignal = z.output<typeof stopSchema>['signal']
export type ProcessKind = (typeof kinds)[number]
export type ProbeSpec = Readonly<z.output<typeof probeSchema>>
export type ProcessSpec = Readonly<Omit<z.output<typeof specSchema>, 'command'>> & {
  readonly command: readonly string[]
}

const topologySchema = z.array(specSchema)

/** Throws ShopError `data_unreadable`. */
export function readTopology(path: string): readonly ProcessSpec[] {
  try {
    return topologySchema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new ShopError(
      'data_unreadable',
      `The topology ${path} cannot be read: ${(error as Error).message}. End the processes that ` +
        `the files of ${join(dirname(path), 'run')} name, remove the topology, and ./till up ` +
        '--engines redis-kafka makes it anew.',
      error,
    )
  }
}

/**
 * Written whole or not at all, and readable by this user only: passwords may be in it. Throws
 * ShopError `data_unreadable`.
 */
export function writeTopology(path: string, specs: readonly ProcessSpec[]): void {
  const draft = `${path}.${process.pid}`
  try {
    const text = `${JSON.stringify(topologySchema.parse(specs), null, 2)}\n`
    writeFileSync(draft, text, { mode: 0o600 })
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new ShopError(
      'data_unreadable',
      `The topology cannot be written to ${path}: ${(error as Error).message}.`,
      error,
    )
  }
}

/** A probe written as JSON; undefined if it is none. */
export function parseProbe(text: string): ProbeSpec | undefined {
  try {
    return probeSchema.parse(JSON.parse(text))
  } catch {
    return undefined
  }
}
