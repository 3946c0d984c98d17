/** The one script that Redis runs, compare-and-set.lua, and the name that Redis knows it by. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { RedisRefusal } from './redis-client.ts'

export interface Script {
  readonly text: string
  /** SHA-1 of the text, as EVALSHA wants it. */
  readonly sha: string
}

/** `send` one call of it; a server that does not know it yet is sent its text instead. */
export async function callScript(
  { sha, text }: Script,
  send: (name: 'evalsha' | 'eval', source: string) => Promise<readonly unknown[]>,
): Promise<readonly unknown[]> {
  const replies = await send('evalsha', sha)
  const isUnknown = replies[0] instanceof RedisRefusal && /NOSCRIPT/.test(replies[0].text)
  return isUnknown ? send('eval', text) : replies
}

export function readScript(): Script {
  const text = readFileSync(new URL('compare-and-set.lua', import.meta.url), 'utf8')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
