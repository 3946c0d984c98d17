/**
 * Golden conversations: each file in traces/ is a story of events and what the protocol (or one
 * participant) says to each. `node protocol/traces.test.ts --rewrite` writes the answers anew;
 * commit a changed trace only if you understand why it changed. Idea: etcd-io/raft's scenario
 * scripts.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { protocols } from './index.ts'
import type { Answer, Branch, Command, ProtocolName, Reason, Reply, Verb } from './messages.ts'
import { type BranchRecord, type Domain, obey } from './participant.ts'
import { outcomeOf, type State, type Step } from './protocol.ts'

const folder = new URL('traces/', import.meta.url)
const separator = '----'

/** Plays one event line and returns what is said to it, a line each. */
type Player = (line: string) => string[]

function parseBranch(text: string): Branch {
  const [place = '', ...pairs] = text.trim().split(/[ ,]+/)
  const [service, partition] = place.split('/')
  const entries = pairs.map((pair) => {
    const [id = '', amount] = pair.split('=')
    return { id, amount: Number(amount) }
  })
  return { service: service as Branch['service'], partition: Number(partition), entries }
}

function coordinatorPlayer(): Player {
  let state: State | undefined
  let logged: State | undefined
  let answered = false

  const tell = (step: Step): string[] => {
    const lines: string[] = []
    if (step.durable) {
      logged = step.state
      lines.push(`log    ${step.state.phase}${step.state.reason ? ` ${step.state.reason}` : ''}`)
    }
    state = step.state
    for (const { verb, branch } of step.send) {
      lines.push(`send   ${branch.service}/${branch.partition} ${verb}`)
    }
    const outcome = outcomeOf(state)
    if (outcome !== undefined && !answered && state.phase === 'ended') {
      answered = true
      lines.push(`answer ${outcome.kind}${outcome.kind === 'aborted' ? ` ${outcome.reason}` : ''}`)
    }
    return lines
  }

  return (line) => {
    const [word = '', ...rest] = line.split(' ')
    if (word === 'begin') {
      const branches = rest.slice(2).join(' ').split('; ').map(parseBranch)
      const protocol = protocols[rest[1] as ProtocolName]
      return tell(protocol.begin(rest[0]!, { orderId: 'o1', branches }))
    }
    assert(state !== undefined, 'a trace starts with begin')
    if (word === 'crash') {
      assert(logged !== undefined)
      state = logged
      const sends = protocols[state.protocol].pending(state)
      return tell({ state, send: sends, durable: false })
    }
    if (word === 'resend') {
      return tell({ state, send: protocols[state.protocol].pending(state), durable: false })
    }
    if (word === 'deadline') return tell(protocols[state.protocol].on(state, { kind: 'deadline' }))
    assert(word === 'reply', `unknown event: ${line}`)
    const [place = '', verb, answer, reason] = rest
    const { service, partition } = parseBranch(place)
    const reply: Reply = {
      kind: 'reply',
      verb: verb as Verb,
      transaction: state.transaction,
      service,
      partition,
      answer: answer as Answer,
      ...(reason === undefined ? {} : { reason: reason as Reason }),
    }
    return tell(protocols[state.protocol].on(state, reply))
  }
}

interface Shelf {
  readonly units: number
  readonly held: number
  readonly generation: number
}

/** Units with holds, as in stock and payment. */
const shelfDomain: Domain<Shelf> = {
  hold(shelf, amount) {
    if (shelf === undefined) return { kind: 'refused', reason: 'unknown_item' }
    if (shelf.units < amount) return { kind: 'refused', reason: 'insufficient_stock' }
    if (shelf.units - shelf.held < amount) return { kind: 'busy', reason: 'insufficient_stock' }
    return { kind: 'held', record: { ...shelf, held: shelf.held + amount } }
  },
  take: (shelf, n) => ({ ...shelf, units: shelf.units - n, held: shelf.held - n }),
  release: (shelf, n) => ({ ...shelf, held: shelf.held - n }),
  restore: (shelf, n) => ({ ...shelf, units: shelf.units + n }),
  generation: (shelf) => shelf.generation,
}

function participantPlayer(): Player {
  const shelves = new Map<string, Shelf>()
  const branches = new Map<string, BranchRecord>()
  const show = () =>
    [...shelves].map(([id, { units, held }]) => `${id} ${units} units, ${held} held`)

  return (line) => {
    const [word = '', ...rest] = line.split(' ')
    const { entries } = parseBranch(
      `stock/0 ${rest.filter((each) => each.includes('=')).join(' ')}`,
    )
    if (word === 'shelf') {
      for (const { id, amount } of entries) {
        const generation = (shelves.get(id)?.generation ?? 0) + 1
        shelves.set(id, { units: amount, held: 0, generation })
      }
      return show()
    }
    const transaction = rest[0]!
    const command: Command = {
      kind: 'command',
      verb: word as Verb,
      transaction,
      branch: { service: 'stock', partition: 0, entries },
      mark: '',
    }
    const records = entries.map(({ id }) => shelves.get(id))
    const obeyed = obey(command, branches.get(transaction), records, shelfDomain)
    if (obeyed.branch !== undefined) branches.set(transaction, obeyed.branch)
    obeyed.records?.forEach((record, index) => {
      if (record !== undefined) shelves.set(entries[index]!.id, record)
    })
    const reason = obeyed.reason === undefined ? '' : ` ${obeyed.reason}`
    const recovered = obeyed.recovered === true ? ' (a lost prepare)' : ''
    const branch = branches.get(transaction)
    const known = branch === undefined ? 'nothing' : branch.state
    return [`${obeyed.answer}${reason}${recovered}; ${transaction} is ${known}`, ...show()]
  }
}

function replay(text: string, player: Player): string {
  const blocks = text.trim().split(/\n\n+/)
  const played = blocks.map((block) => {
    const [input = ''] = block.split(`\n${separator}`)
    const lines = input.split('\n')
    if (lines.every((line) => line.startsWith('#'))) return input
    const said = lines.filter((line) => !line.startsWith('#')).flatMap((line) => player(line))
    return [input, separator, ...said].join('\n')
  })
  return `${played.join('\n\n')}\n`
}

for (const name of readdirSync(folder).sort()) {
  const file = new URL(name, folder)
  const text = readFileSync(file, 'utf8')
  const player = name.startsWith('participant') ? participantPlayer() : coordinatorPlayer()
  const played = replay(text, player)
  if (process.argv.includes('--rewrite')) writeFileSync(file, played)
  test(`trace ${name}`, () => assert.equal(text, played))
}
