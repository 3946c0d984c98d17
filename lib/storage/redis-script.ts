/** The one script that Redis runs, compare-and-set.lua, and the name that Redis knows it by. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

export interface Script {
  readonly text: string
  /** SHA-1 of the text, as EVALSHA wants it. */
  readonly sha: string
}

export function readScript(): Script {
  const text = readFileSync(new URL('compare-and-set.lua', import.meta.url), 'utf8')
  return { text, sha: createHash('sha1').update(text).digest('hex') }
}
