/**
 * `<data>/engines.json`: what a shop of processes was started as, its ports and its passwords; only
 * this user may read it. It is made at the first start and kept: Redis and Kafka remember ports.
 * Which processes run: `<data>/topology.json` and `<data>/run` (watchdog/processes.ts).
 */
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { z } from 'zod'
import type { Random } from '../../lib/runtime/random.ts'
import { serviceNames } from '../../lib/runtime/topology.ts'
import { unusableData } from '../data-directory.ts'
import { CommandFailure } from '../failure.ts'

const schema = z.object({
  size: z.enum(['default', 'medium', 'large']),
  variant: z.string(),
  host: z.string(),
  port: z.int(),
  partitions: z.int(),
  /** The first of `blockLength` ports of loopback that belong to this shop. */
  firstPort: z.int(),
  /** Services reach their database and the broker through links that can be cut. */
  links: z.boolean().default(false),
  passwords: z.record(z.enum(serviceNames), z.string()),
  /** Wall time in ms since 1970, for people. */
  startedAt: z.number(),
})

export type EngineFile = Readonly<z.output<typeof schema>>

export const blockLength = 100
/** Below the ports that systems give to outgoing connections, which could take one meanwhile. */
const firstBlock = 20_000
const blocks = 120

const pathOf = (data: string) => join(data, 'engines.json')

/** Whether a shop of processes was ever started on this data. */
export const isEngineData = (data: string): boolean => existsSync(pathOf(data))

/** Undefined where none was. */
export function readEngineFile(data: string): EngineFile | undefined {
  if (!isEngineData(data)) return undefined
  try {
    return schema.parse(JSON.parse(readFileSync(pathOf(data), 'utf8')))
  } catch (error) {
    throw unusableData(data, error)
  }
}

/** Throws ShopError where the disk does not take it; a former file is as it was then. */
export function writeEngineFile(data: string, file: EngineFile): void {
  const draft = `${pathOf(data)}.${process.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(file, null, 2)}\n`, { mode: 0o600 })
    renameSync(draft, pathOf(data))
  } catch (error) {
    rmSync(draft, { force: true })
    throw unusableData(data, error)
  }
}

export const newPasswords = (random: Random): EngineFile['passwords'] =>
  Object.fromEntries(serviceNames.map((name) => [name, random.id()])) as EngineFile['passwords']

/** The first port of a block in which nobody listens now. Where it begins to look is chance. */
export async function freeBlock(random: Random): Promise<number> {
  const from = random.integer(blocks)
  for (let tried = 0; tried < blocks; tried++) {
    const first = firstBlock + ((from + tried) % blocks) * blockLength
    if (await isFree(first, blockLength)) return first
  }
  throw new CommandFailure(
    `No ${blockLength} free ports in a row from ${firstBlock} on: stop what listens there.`,
  )
}

async function isFree(first: number, length: number): Promise<boolean> {
  for (let port = first; port < first + length; port++) if (!(await canListen(port))) return false
  return true
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host: '127.0.0.1', port }, () => server.close(() => resolve(true)))
  })
}
