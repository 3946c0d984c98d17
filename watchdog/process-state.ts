/**
 * `<run>/NAME.json`: which process runs under a name. Written whole or not at all, by who holds the
 * lock on the name (processes.ts); one that cannot be read counts as none.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { ShopError } from '../lib/runtime/errors.ts'

const schema = z.object({
  name: z.string(),
  pid: z.int().positive(),
  /** When the process began, as lib/runtime/process-identity.ts says it. */
  processStart: z.string(),
  /** By watchers, since it was last started on purpose. */
  restarts: z.int(),
  /** When it was last started: wall time in ms since 1970, for people. */
  since: z.number(),
  /** False from the moment it is stopped on purpose. */
  isWanted: z.boolean(),
})

export type ProcessState = Readonly<z.output<typeof schema>>

const pathOf = (name: string, runDirectory: string) => join(runDirectory, `${name}.json`)

export function readState(name: string, runDirectory: string): ProcessState | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(pathOf(name, runDirectory), 'utf8')))
  } catch {
    return undefined
  }
}

/** Throws ShopError `data_unreadable`; a former file is as it was then. */
export function writeState(runDirectory: string, state: ProcessState): void {
  const path = pathOf(state.name, runDirectory)
  const draft = `${path}.${process.pid}`
  try {
    mkdirSync(runDirectory, { recursive: true })
    writeFileSync(draft, `${JSON.stringify(schema.parse(state), null, 2)}\n`)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw new ShopError(
      'data_unreadable',
      `The state of ${state.name} cannot be written to ${path}: ${(error as Error).message}.`,
      error,
    )
  }
}
