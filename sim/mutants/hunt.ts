/**
 * Hunts one mutant in this process: `node sim/mutants/hunt.ts NAME SEEDS STARTS`. For each start it
 * runs seeds, the mutant's variants in turn, until one fails, and prints as JSON how many it took.
 * A process hunts one mutant only, because a planted module stays.
 */
import { mutants } from './all.ts'
import { plant } from './mutant.ts'

export interface Kill {
  /** Histories until it was caught; undefined if it survived. */
  readonly histories: number | undefined
  readonly variant?: string
  readonly seed?: number
  readonly invariant?: string
  readonly text?: string
}

const [name, seeds, starts] = process.argv.slice(2)
const mutant = mutants.find((each) => each.name === name)
if (mutant === undefined) throw new Error(`There is no mutant ${name}`)
plant(mutant)
const { drawHistory } = await import('../draw.ts')
const { runHistory } = await import('../history.ts')
const { Rejections } = await import('../campaign.ts')

const apart = 10_000
const rejections = new Rejections()

async function hunt(first: number, most: number): Promise<Kill> {
  const { variants } = mutant!
  for (let index = 0; index < most; index++) {
    const variant = variants[index % variants.length]!
    const seed = first + index
    const { violations } = await runHistory(drawHistory(variant, seed))
    const [violation] = violations
    const [rejection] = rejections.take()
    if (violation === undefined && rejection === undefined) continue
    const invariant = violation?.invariant ?? 'unhandled rejection'
    const text = violation?.text ?? rejection ?? ''
    return { histories: index + 1, variant, seed, invariant, text }
  }
  return { histories: undefined }
}

const kills: Kill[] = []
for (let start = 1; start <= Number(starts); start++) {
  kills.push(await hunt(start * apart, Number(seeds)))
}
process.stdout.write(`${JSON.stringify(kills)}\n`)
