/**
 * A counter-example in words: what Alloy prints of each state becomes a line of who did what, and
 * what was different afterwards. Pure.
 */

/** Field (`Participant.branch`) to its rows, each row its atoms: Stock, Tx, Prepared. */
type StateOfModel = ReadonlyMap<string, readonly (readonly string[])[]>

const short = (atom: string) => atom.replace(/^.*\//, '').replace(/\$0$/, '').replace('$', ' ')

function statesIn(trace: string): StateOfModel[] {
  return trace
    .split(/^-+State \d+.*$/m)
    .slice(1)
    .map((text) => {
      const fields = new Map<string, string[][]>()
      for (const [, sig, field, rows] of text.matchAll(/^(\S+)<:(\w+)=\{(.*)\}$/gm)) {
        const tuples = rows === '' ? [] : rows!.split(', ').map((row) => row.split('->').map(short))
        fields.set(`${short(sig!)}.${field}`, tuples)
      }
      return fields
    })
}

const names: Readonly<Record<string, string>> = {
  Owner: 'coordinator A',
  'Owner 1': 'coordinator B',
}
const nameOf = (atom: string) => names[atom] ?? atom

const sayings: Readonly<Record<string, (of: (field: string) => string) => string>> = {
  Begins: (of) => `${of('owner')} begins the transaction`,
  Obeys: (of) => `${of('at')} obeys ${of('verb')} and answers ${of('answer')}`,
  Parks: (of) => `${of('at')} is told ${of('verb')}, which contradicts what it knows: parked`,
  Hears: (of) => `${of('owner')} hears ${of('answer')} from ${of('at')} to its ${of('verb')}`,
  Deadline: (of) => `${of('owner')} gives up waiting: the deadline`,
  Tells: (of) => `${of('owner')} tells the client the outcome`,
  Asks: (of) => `${of('at')} asks ${of('owner')} what became of the transaction`,
  Crashes: (of) => `${of('owner')} crashes`,
  TakesOver: (of) => `${of('owner')} takes over with a new epoch and reads the log`,
  Sweeps: (of) => `${of('at')} drops its record: the mark has passed it`,
  Forgets: (of) => `${of('owner')} forgets the transaction: the mark passes it`,
}

/** What is worth telling after a step, and how. */
const changes: Readonly<Record<string, (row: readonly string[]) => string>> = {
  'Participant.branch': ([who, , what]) => `${who} knows: ${what}`,
  'Participant.taken': ([who]) => `${who} has taken`,
  'Participant.restored': ([who]) => `${who} has given back`,
  'Participant.again': ([who]) => `${who} HAS DONE IT TWICE`,
  'Participant.parked': ([who]) => `${who} HAS PARKED IT`,
  'Participant.commands': ([who, verb]) => `${verb} is on its way to ${who}`,
  'Notes.phase': ([who, , phase]) => `${who === 'Log' ? 'log' : nameOf(who!)}: ${phase}`,
  'Client.told': ([, , outcome]) => `the client was told ${outcome}`,
}

function differences(before: StateOfModel, after: StateOfModel): string[] {
  return Object.entries(changes).flatMap(([field, say]) => {
    const known = new Set((before.get(field) ?? []).map((row) => row.join()))
    return (after.get(field) ?? []).filter((row) => !known.has(row.join())).map(say)
  })
}

/** Lines without those in which nothing happens. */
export function timelineOf(trace: string): string[] {
  const states = statesIn(trace)
  const lines: string[] = []
  for (const [index, state] of states.entries()) {
    const of = (field: string) => nameOf(state.get(`Now.${field}`)?.[0]?.[1] ?? 'nobody')
    const saying = sayings[of('event')]
    const next = states[index + 1]
    if (saying === undefined || next === undefined) continue
    const told = differences(state, next)
    lines.push(
      `${lines.length + 1}. ${saying(of)}${told.length > 0 ? ` (${told.join('; ')})` : ''}`,
    )
  }
  return lines
}
