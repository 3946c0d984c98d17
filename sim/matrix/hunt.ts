/**
 * A known bug put back in, and the cells run until one breaks or cannot be hit any more:
 * `node sim/matrix/hunt.ts NAME` prints which and what broke, as JSON; null where none did. A
 * process for each, because a mutant is planted as its module loads. Used by matrix.test.ts.
 */
import { mutants } from '../mutants/all.ts'
import { plant } from '../mutants/mutant.ts'

export interface Caught {
  readonly cell: string
  readonly text: string
}

/** Histories of each cell, at most. */
const rounds = 3

async function hunt(name: string): Promise<Caught | null> {
  const mutant = mutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`There is no mutant ${name}`)
  plant(mutant)
  const [{ cells }, { runCell }] = await Promise.all([import('./cells.ts'), import('./run.ts')])
  const own = cells.filter(({ variant }) => mutant.variants.includes(variant))
  for (let round = 1; round <= rounds; round++) {
    for (const cell of own) {
      const { verdict, broken } = await runCell(cell, 1, round)
      if (verdict !== 'held' && verdict !== 'impossible') {
        return { cell: cell.id, text: broken[0] ?? verdict }
      }
    }
  }
  return null
}

process.stdout.write(`${JSON.stringify(await hunt(process.argv[2] ?? ''))}\n`)
