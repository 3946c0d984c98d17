/**
 * `./till up --detach`, the README's own line, for a shop that is measured or broken. It is not of
 * this process's group: Ctrl-C must not end it half way, with a shop that nobody knows of.
 */
import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { ShopError } from '../lib/runtime/errors.ts'
import { uninterrupted } from './processes.ts'

export const till = fileURLToPath(new URL('../till', import.meta.url))

/** Resolves when the shop answers; throws with what it said when it does not. */
export function tillUp(
  settings: Readonly<Record<string, string>>,
  flags: readonly string[],
): Promise<void> {
  return uninterrupted(up(settings, flags))
}

async function up(
  settings: Readonly<Record<string, string>>,
  flags: readonly string[],
): Promise<void> {
  const words = Object.entries(settings).map(([name, value]) => `${name}=${value}`)
  const child = spawn('env', [...words, till, 'up', '--detach', ...flags], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [code, stderr] = await Promise.all([ended, text(child.stderr)])
  if (code !== 0) throw new ShopError('unavailable', `No shop to measure. ${stderr}`)
}
