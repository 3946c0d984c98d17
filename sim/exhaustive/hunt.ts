/**
 * A known bug of the rules put back in, and the small scopes walked until one breaks:
 * `node sim/exhaustive/hunt.ts NAME` prints what broke, as JSON; null where nothing did. A process
 * for each, because a mutant is planted as its module loads. Used by walk.test.ts.
 */
import { plant } from '../mutants/mutant.ts'
import { protocolMutants } from '../mutants/protocol-mutants.ts'
import type { Walk } from './walk.ts'

export interface Catch {
  readonly scope: string
  readonly variant: string
  readonly text: string
  /** The shortest way to it. */
  readonly way: readonly string[]
}

async function hunt(name: string): Promise<Catch | null> {
  const mutant = protocolMutants.find((each) => each.name === name)
  if (mutant === undefined) throw new Error(`There is no mutant ${name} of the rules`)
  plant(mutant)
  const [{ Walker }, { scopes }] = await Promise.all([import('./walk.ts'), import('./scopes.ts')])
  for (const scope of scopes) {
    for (const variant of mutant.variants.filter((each) => scope.variants.includes(each))) {
      const { broken }: Walk = new Walker(scope, variant).run()
      if (broken !== undefined) return { scope: scope.name, variant, ...broken }
    }
  }
  return null
}

process.stdout.write(`${JSON.stringify(await hunt(process.argv[2] ?? ''))}\n`)
