/** docs/PROTOCOLS.md shows the participant's table; `--rewrite` writes it from the code. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { Verb } from './messages.ts'
import { participantTable } from './participant.ts'

const file = new URL('../docs/PROTOCOLS.md', import.meta.url)
const begin = '<!-- participant:begin -->\n'
const end = '<!-- participant:end -->'
const verbs: readonly Verb[] = ['prepare', 'commit', 'abort', 'execute', 'compensate']
const words: Readonly<Record<string, string>> = {
  hold: 'hold',
  holdAndTake: 'hold and take',
  takeHeld: 'take',
  takeLost: 'take if there',
  release: 'release',
  restore: 'restore',
  tombstone: 'tombstone',
  yes: 'yes again',
  done: 'done again',
  refuse: 'refused again',
  park: 'park',
}

const header = `| known | ${verbs.join(' | ')} |\n|---|---|---|---|---|---|\n`
const rows = Object.entries(participantTable).map(([known, actions]) => {
  const cells = verbs.map((verb) => words[actions[verb] ?? 'park'])
  return `| ${known === 'none' ? 'nothing' : known} | ${cells.join(' | ')} |\n`
})

test('docs/PROTOCOLS.md shows the table that the code obeys', () => {
  const text = readFileSync(file, 'utf8')
  const [head = '', rest = ''] = text.split(begin)
  const wanted = head + begin + header + rows.join('') + rest.slice(rest.indexOf(end))
  if (process.argv.includes('--rewrite')) writeFileSync(file, wanted)
  assert.equal(readFileSync(file, 'utf8'), wanted)
})
