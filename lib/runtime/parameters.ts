/**
 * Path parameters, parsed strictly: what is not exactly right is refused with a sentence that names
 * the parameter and says what would be right. One text means one value: no signs, no exponents, no
 * hexadecimal, no leading zeros, so that a number has a single spelling in every fingerprint.
 */
import type { ParameterKind, Parameters, Route } from './route.ts'

export const idPattern = /^[A-Za-z0-9_-]{1,64}$/
const wholeNumber = /^(?:0|[1-9][0-9]{0,15})$/

/** Least and greatest value of each kind of number. */
export interface NumberLimits {
  readonly least: number
  readonly greatest: number
}

export function limitsOf(
  kind: Exclude<ParameterKind, 'id'>,
  maxBatchRecords: number,
): NumberLimits {
  if (kind === 'size') return { least: 1, greatest: maxBatchRecords }
  return { least: kind === 'amount' ? 1 : 0, greatest: Number.MAX_SAFE_INTEGER }
}

interface Parser {
  readonly name: string
  /** The value, or undefined when the text is not right. */
  parse(text: string): string | number | undefined
  readonly right: string
}

function parserOf(name: string, kind: ParameterKind, maxBatchRecords: number): Parser {
  if (kind === 'id') {
    return {
      name,
      parse: (text) => (idPattern.test(text) ? text : undefined),
      right: '1 to 64 characters, each one of A-Z, a-z, 0-9, _ and -',
    }
  }
  const { least, greatest } = limitsOf(kind, maxBatchRecords)
  return {
    name,
    parse(text) {
      if (!wholeNumber.test(text)) return undefined
      const value = Number(text)
      return value >= least && value <= greatest ? value : undefined
    },
    right: `a whole number from ${least} to ${greatest}, digits only, without leading zeros`,
  }
}

export class PathParameters implements Parameters {
  readonly #names: readonly string[]
  readonly #values: readonly (string | number)[]

  /** Both in the order of the path. */
  constructor(names: readonly string[], values: readonly (string | number)[]) {
    this.#names = names
    this.#values = values
  }

  id(name: string): string {
    const value = this.#values[this.#names.indexOf(name)]
    if (typeof value !== 'string') throw new TypeError(`This route has no id named ${name}`)
    return value
  }

  number(name: string): number {
    const value = this.#values[this.#names.indexOf(name)]
    if (typeof value !== 'number') throw new TypeError(`This route has no number named ${name}`)
    return value
  }

  /** The values in the order of the path. */
  get inOrder(): readonly (string | number)[] {
    return this.#values
  }
}

/** The names in braces of a path, in order. */
export function namesIn(path: string): string[] {
  return Array.from(path.matchAll(/\{([^{}/]+)\}/g), (match) => match[1]!)
}

/** Parsed parameters, or a sentence that says which one is wrong and what would be right. */
export type ParseParameters = (raw: Readonly<Record<string, string>>) => PathParameters | string

/** Made once for each route. A path and its table of parameters that disagree are a bug: throws. */
export function parametersParser(
  { path, parameters }: Pick<Route, 'path' | 'parameters'>,
  maxBatchRecords: number,
): ParseParameters {
  const names = namesIn(path)
  if (names.toSorted().join() !== Object.keys(parameters).toSorted().join()) {
    throw new TypeError(`${path}: the names in the path and those in the table differ`)
  }
  const parsers = names.map((name) => parserOf(name, parameters[name]!, maxBatchRecords))
  return (raw) => {
    const values: (string | number)[] = []
    for (const { name, parse, right } of parsers) {
      const value = parse(raw[name]!)
      if (value === undefined) return `The path parameter '${name}' is not right: give ${right}.`
      values.push(value)
    }
    return new PathParameters(names, values)
  }
}
