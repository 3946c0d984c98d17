/**
 * `<data>/shop.json`: how the other commands find the shop that runs on a data directory.
 *
 * Promise: written whole or not at all; a file whose process has ended, or whose pid another
 * process has now, counts as none. It locks nothing: that is lib/storage/lock.ts.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { isSameProcess } from '../lib/runtime/process-identity.ts'
import { unusableData } from './data-directory.ts'

const schema = z.object({
  pid: z.int().positive(),
  /** When the process began, as process-identity.ts says it. */
  processStart: z.string(),
  state: z.enum(['running', 'stopping']),
  host: z.string(),
  port: z.int(),
  /** Where the internal routes listen. */
  internalHost: z.string().default('127.0.0.1'),
  internalPort: z.int(),
  variant: z.string(),
  /** Wall time in ms since 1970, for people. */
  startedAt: z.number(),
})

export type RunFile = Readonly<z.output<typeof schema>>

export const runFilePath = (data: string) => join(data, 'shop.json')

/** Throws ShopError where the disk does not take it; a former file is as it was then. */
export function writeRunFile(data: string, run: RunFile): void {
  const path = runFilePath(data)
  const draft = `${path}.${run.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(run, null, 2)}\n`)
    renameSync(draft, path)
  } catch (error) {
    rmSync(draft, { force: true })
    throw unusableData(data, error)
  }
}

/** The shop that runs on this data; undefined when none does, whatever a former one left behind. */
export function readRunFile(data: string): RunFile | undefined {
  const run = parseRunFile(data)
  return run !== undefined && isSameProcess(run.pid, run.processStart) ? run : undefined
}

/** Removes the file if it is this process's own. */
export function removeRunFile(data: string, pid: number): void {
  if (parseRunFile(data)?.pid === pid) rmSync(runFilePath(data), { force: true })
}

function parseRunFile(data: string): RunFile | undefined {
  try {
    return schema.parse(JSON.parse(readFileSync(runFilePath(data), 'utf8')))
  } catch {
    return undefined
  }
}
